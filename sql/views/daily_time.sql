/*---
title       = { en = "Time per user, course and day", fr = "Temps par utilisateur, cours et jour" }
description = { en = "One row per user, course and day in the time zone of the server's configuration. Time that goes past midnight is cut there; an event belongs to the day on which it happened. Users without an event in the range have no row. The figures follow the policy that is asked for; see the manual, Time spent. An incremental pull has all rows of every user who has new events, because a new event also changes what the one before it is worth.", fr = "Une ligne par utilisateur, cours et jour dans le fuseau horaire de la configuration du serveur. Le temps qui passe minuit y est coupé ; un événement appartient au jour où il a eu lieu. Les utilisateurs sans événement dans la plage n'ont pas de ligne. Les chiffres suivent la règle demandée ; voir le manuel, Temps passé. Un tirage incrémental a toutes les lignes de chaque utilisateur qui a de nouveaux événements, car un nouvel événement change aussi la valeur du précédent." }
version     = 1

[params.policy]
type = "text"
default = "use_stats"
max_length = 1000
help = { en = "Policy that makes time of the log, with changes behind commas, such as `use_stats, threshold = 1800`.", fr = "Règle qui tire du temps du journal, avec des changements après des virgules, par exemple `use_stats, threshold = 1800`." }

[params.from]
type = "timestamp"
help = { en = "Start of the range, inclusive; the first event when absent.", fr = "Début de la plage, inclus ; le premier événement si absent." }

[params.to]
type = "timestamp"
edge = "last"
help = { en = "End of the range; the time of the pull when absent. A day means its last second. The policy says whether an event of that very second counts.", fr = "Fin de la plage ; l'instant du tirage si absente. Un jour désigne sa dernière seconde. La règle dit si un événement de cette seconde même compte." }

[params.user]
type = "int"
help = { en = "Only this user.", fr = "Cet utilisateur seulement." }

[params.course]
type = "int"
help = { en = "Only this course.", fr = "Ce cours seulement." }

[key]
columns = ["userid", "courseid", "day"]

[columns.userid]
type = "Int64"
pii  = "pseudonym"
doc  = { en = "The user.", fr = "L'utilisateur." }

[columns.courseid]
type = "Int64"
pii  = "raw"
doc  = { en = "The course; 1 is the front page, 0 what lies outside of courses, such as logins.", fr = "Le cours ; 1 est la page d'accueil, 0 ce qui est hors des cours, comme les connexions." }

[columns.day]
type = "Date32"
pii  = "raw"
doc  = { en = "The local day.", fr = "Le jour local." }

[columns.activitytime]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "Time on activities.", fr = "Temps sur les activités." }

[columns.coursetime]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "Time on pages of courses outside of activities.", fr = "Temps sur les pages de cours hors des activités." }

[columns.othertime]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "All other time: logins, the user's own pages, activities that are gone.", fr = "Tout autre temps : connexions, pages propres de l'utilisateur, activités disparues." }

[columns.elapsed]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "Time altogether: the sum of `activitytime`, `coursetime` and `othertime`.", fr = "Temps total : somme de `activitytime`, `coursetime` et `othertime`." }

[columns.events]
type = "Int64"
pii  = "raw"
doc  = { en = "Events that count.", fr = "Événements qui comptent." }

[columns.firstaccess]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "First event whose time counts on the day, as Unix time: the last one of the day before where its time goes past midnight.", fr = "Premier événement dont le temps compte ce jour, en temps Unix : le dernier de la veille si son temps passe minuit." }

[columns.lastaccess]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "Last event whose time counts on the day, as Unix time.", fr = "Dernier événement dont le temps compte ce jour, en temps Unix." }

[incremental]
table = "logstore_standard_log"
mode  = "changed_keys"
columns = { userid = "userid" }

[time]
column = "lastaccess"
---*/
SELECT
    userid, courseid, day, activitytime, coursetime, othertime, elapsed, events, firstaccess, lastaccess
FROM daily_time($policy, $from, $to)
WHERE ($user IS NULL OR userid = $user) AND ($course IS NULL OR courseid = $course)
