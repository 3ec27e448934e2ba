/*---
title       = { en = "Events with what they are worth", fr = "Événements avec ce qu'ils valent" }
description = { en = "One row per event of the log that the policy looks at, with the time that it is worth and why. The sum of `elapsed` is the time of the other views. The figures follow the policy that is asked for; see the manual, Time spent. An incremental pull has all rows of every user who has new events, because a new event also changes what the one before it is worth.", fr = "Une ligne par événement du journal que la règle regarde, avec le temps qu'il vaut et pourquoi. La somme de `elapsed` est le temps des autres vues. Les chiffres suivent la règle demandée ; voir le manuel, Temps passé. Un tirage incrémental a toutes les lignes de chaque utilisateur qui a de nouveaux événements, car un nouvel événement change aussi la valeur du précédent." }
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
columns = ["userid", "id"]

[columns.userid]
type = "Int64"
pii  = "pseudonym"
doc  = { en = "The user.", fr = "L'utilisateur." }

[columns.id]
type = "Int64"
pii  = "raw"
doc  = { en = "Number of the event in the activity log; unique within the site.", fr = "Numéro de l'événement dans le journal ; unique dans le site." }

[columns.timecreated]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "When the event happened, as Unix time.", fr = "Quand l'événement a eu lieu, en temps Unix." }

[columns.courseid]
type = "Int64"
pii  = "raw"
doc  = { en = "The course; 1 is the front page, 0 what lies outside of courses, such as logins.", fr = "Le cours ; 1 est la page d'accueil, 0 ce qui est hors des cours, comme les connexions." }

[columns.module]
type = "Utf8"
pii  = "raw"
doc  = { en = "Type of the activity, such as `quiz`; `course`, `user` or `system` outside of activities; empty for an activity that is gone.", fr = "Type de l'activité, par exemple `quiz` ; `course`, `user` ou `system` hors des activités ; vide pour une activité disparue." }

[columns.cmid]
type = "Int64"
pii  = "raw"
doc  = { en = "The activity, `course_modules.id`; null outside of activities.", fr = "L'activité, `course_modules.id` ; nul hors des activités." }

[columns.session]
type = "Int64"
pii  = "raw"
doc  = { en = "Number of the session, as in view `sessions`; null when the event is in none.", fr = "Numéro de la session, comme dans la vue `sessions` ; nul si l'événement n'est dans aucune." }

[columns.gap]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "Seconds to the user's next event; null for the last one.", fr = "Secondes jusqu'à l'événement suivant de l'utilisateur ; nul pour le dernier." }

[columns.rule]
type = "Utf8"
pii  = "raw"
doc  = { en = "Why it is worth so much: `gap`; `break` (a fixed credit instead of a long gap); `last` (the credit of a last event); `no_next` (a last event without credit, in exact profiles).", fr = "Pourquoi il vaut autant : `gap` ; `break` (un crédit fixe au lieu d'un long intervalle) ; `last` (le crédit d'un dernier événement) ; `no_next` (un dernier événement sans crédit, dans les profils exacts)." }

[columns.measured]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "Time of the event itself.", fr = "Temps de l'événement même." }

[columns.carried]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "Time taken over from events of captured modules before it.", fr = "Temps repris des événements de modules captés qui le précèdent." }

[columns.elapsed]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "Time that counts.", fr = "Temps qui compte." }

[columns.outcome]
type = "Utf8"
pii  = "raw"
doc  = { en = "What became of it: `counted`, `logout`, `captured`, `ignored`, or `below_minimum` with its session.", fr = "Ce qu'il est devenu : `counted`, `logout`, `captured`, `ignored`, ou `below_minimum` avec sa session." }

[columns.in_session]
type = "Boolean"
pii  = "raw"
doc  = { en = "Whether its time counts in the session too.", fr = "Si son temps compte aussi dans la session." }

[incremental]
table = "logstore_standard_log"
mode  = "changed_keys"
columns = { userid = "userid" }

[time]
column = "timecreated"
---*/
SELECT
    userid, id, timecreated, courseid, module, cmid, session, gap, rule, measured, carried, elapsed,
    outcome, in_session
FROM laps($policy, $from, $to)
WHERE ($user IS NULL OR userid = $user) AND ($course IS NULL OR courseid = $course)
