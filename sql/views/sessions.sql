/*---
title       = { en = "Sessions", fr = "Sessions" }
description = { en = "One row per session of a user: a run of events which a long pause, a login or a change of course ends, as the policy says. Users without an event in the range have no row. The figures follow the policy that is asked for; see the manual, Time spent. An incremental pull has all rows of every user who has new events, because a new event also changes what the one before it is worth.", fr = "Une ligne par session d'un utilisateur : une suite d'événements que termine une longue pause, une connexion ou un changement de cours, selon la règle. Les utilisateurs sans événement dans la plage n'ont pas de ligne. Les chiffres suivent la règle demandée ; voir le manuel, Temps passé. Un tirage incrémental a toutes les lignes de chaque utilisateur qui a de nouveaux événements, car un nouvel événement change aussi la valeur du précédent." }
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
help = { en = "Only sessions that cross this course.", fr = "Seulement les sessions qui traversent ce cours." }

[key]
columns = ["userid", "session"]

[columns.userid]
type = "Int64"
pii  = "pseudonym"
doc  = { en = "The user.", fr = "L'utilisateur." }

[columns.session]
type = "Int64"
pii  = "raw"
doc  = { en = "Number of the session within the range, from 1 for each user in the order of opening; sessions that the policy drops leave out their numbers.", fr = "Numéro de la session dans la plage, à partir de 1 pour chaque utilisateur dans l'ordre d'ouverture ; les sessions que la règle écarte laissent leurs numéros vacants." }

[columns.courseid]
type = "Int64"
pii  = "raw"
doc  = { en = "Course of the event that opened it; 0 outside of courses.", fr = "Cours de l'événement qui l'a ouverte ; 0 hors des cours." }

[columns.sessionstart]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "First event, as Unix time.", fr = "Premier événement, en temps Unix." }

[columns.sessionend]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "End, as Unix time: the last event and what it is worth.", fr = "Fin, en temps Unix : le dernier événement et ce qu'il vaut." }

[columns.lasthit]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "Last event, as Unix time.", fr = "Dernier événement, en temps Unix." }

[columns.elapsed]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "Time: the sum of what its events are worth.", fr = "Temps : somme de ce que valent ses événements." }

[columns.events]
type = "Int64"
pii  = "raw"
doc  = { en = "Events that count.", fr = "Événements qui comptent." }

[columns.courses]
type = "List<Int64>"
pii  = "raw"
doc  = { en = "Courses that it crosses, in the order of their first events.", fr = "Cours qu'elle traverse, dans l'ordre de leurs premiers événements." }

[columns.closed_by]
type = "Utf8"
pii  = "raw"
doc  = { en = "What ended it: `gap` (a long pause), `login`, `course` (a change of course), or `end` of the range.", fr = "Ce qui l'a terminée : `gap` (une longue pause), `login`, `course` (un changement de cours), ou `end`, la fin de la plage." }

[incremental]
table = "logstore_standard_log"
mode  = "changed_keys"
columns = { userid = "userid" }

[time]
column = "sessionstart"
---*/
SELECT
    userid, session, courseid, sessionstart, sessionend, lasthit, elapsed, events, courses, closed_by
FROM sessions($policy, $from, $to)
WHERE ($user IS NULL OR userid = $user) AND ($course IS NULL OR array_has(courses, $course))
