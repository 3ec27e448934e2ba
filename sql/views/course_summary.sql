/*---
title       = { en = "Learners in courses", fr = "Apprenants dans les cours" }
description = { en = "One row per user and course, without the front page: time, events, sessions and the total grade, with the names of both. Grades are as they are now; a grade alone brings no row into an incremental pull. Users without an event in the range have no row. The figures follow the policy that is asked for; see the manual, Time spent. An incremental pull has all rows of every user who has new events, because a new event also changes what the one before it is worth.", fr = "Une ligne par utilisateur et par cours, sans la page d'accueil : temps, événements, sessions et note totale, avec les noms de l'un et de l'autre. Les notes sont telles qu'elles sont maintenant ; une note seule n'amène pas de ligne dans un tirage incrémental. Les utilisateurs sans événement dans la plage n'ont pas de ligne. Les chiffres suivent la règle demandée ; voir le manuel, Temps passé. Un tirage incrémental a toutes les lignes de chaque utilisateur qui a de nouveaux événements, car un nouvel événement change aussi la valeur du précédent." }
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
columns = ["userid", "courseid"]

[columns.userid]
type = "Int64"
pii  = "pseudonym"
doc  = { en = "The user.", fr = "L'utilisateur." }

[columns.username]
type = "Utf8"
pii  = "pseudonym"
doc  = { en = "Login name; null when accounts are not loaded.", fr = "Nom de connexion ; nul si les comptes ne sont pas chargés." }

[columns.idnumber]
type = "Utf8"
pii  = "drop"
doc  = { en = "Identifier of the person given by the institution; may be empty.", fr = "Identifiant de la personne donné par l'institution ; peut être vide." }

[columns.firstname]
type = "Utf8"
pii  = "drop"
doc  = { en = "First name.", fr = "Prénom." }

[columns.lastname]
type = "Utf8"
pii  = "drop"
doc  = { en = "Last name.", fr = "Nom." }

[columns.email]
type = "Utf8"
pii  = "drop"
doc  = { en = "Mail address.", fr = "Adresse électronique." }

[columns.courseid]
type = "Int64"
pii  = "raw"
doc  = { en = "The course.", fr = "Le cours." }

[columns.shortname]
type = "Utf8"
pii  = "raw"
doc  = { en = "Short name of the course; null when courses are not loaded.", fr = "Nom abrégé du cours ; nul si les cours ne sont pas chargés." }

[columns.fullname]
type = "Utf8"
pii  = "raw"
doc  = { en = "Full name of the course; null when courses are not loaded.", fr = "Nom complet du cours ; nul si les cours ne sont pas chargés." }

[columns.coursetotal]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "Time altogether: the sum of `activitytime`, `coursetime` and `othertime`.", fr = "Temps total : somme de `activitytime`, `coursetime` et `othertime`." }

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

[columns.hits]
type = "Int64"
pii  = "raw"
doc  = { en = "Events that count.", fr = "Événements qui comptent." }

[columns.firstaccess]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "First event in the range, as Unix time.", fr = "Premier événement de la plage, en temps Unix." }

[columns.lastaccess]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "Last event in the range, as Unix time.", fr = "Dernier événement de la plage, en temps Unix." }

[columns.firsttime]
type = "Timestamp"
pii  = "raw"
doc  = { en = "First event, UTC.", fr = "Premier événement, UTC." }

[columns.lasttime]
type = "Timestamp"
pii  = "raw"
doc  = { en = "Last event, UTC.", fr = "Dernier événement, UTC." }

[columns.extendedtotal]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "`coursetotal` and the user's time outside of courses and on the front page.", fr = "`coursetotal` et le temps de l'utilisateur hors des cours et sur la page d'accueil." }

[columns.lastweek]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "Time in the last seven times 24 hours of the range.", fr = "Temps des sept dernières fois 24 heures de la plage." }

[columns.sessions]
type = "Int64"
pii  = "raw"
doc  = { en = "Sessions that cross the course.", fr = "Sessions qui traversent le cours." }

[columns.workingsessions]
type = "Int64"
pii  = "raw"
doc  = { en = "Those of them in which time was spent.", fr = "Celles où du temps a été passé." }

[columns.score]
type = "Float64"
pii  = "raw"
doc  = { en = "Total grade of the course before adjustments, in its points; null for none.", fr = "Note totale du cours avant ajustements, en points du cours ; nul s'il n'y en a pas." }

[incremental]
table = "logstore_standard_log"
mode  = "changed_keys"
columns = { userid = "userid" }

[time]
column = "lastaccess"
---*/
SELECT
    userid, username, idnumber, firstname, lastname, email, courseid, shortname, fullname, coursetotal,
    activitytime, coursetime, othertime, hits, firstaccess, lastaccess, firsttime, lasttime, extendedtotal,
    lastweek, sessions, workingsessions, score
FROM course_summary($policy, $from, $to)
WHERE ($user IS NULL OR userid = $user) AND ($course IS NULL OR courseid = $course)
