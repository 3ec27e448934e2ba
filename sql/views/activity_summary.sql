/*---
title       = { en = "Learners in activities", fr = "Apprenants dans les activités" }
description = { en = "One row per user and activity: measured time, and what a SCORM package says beyond it. Users without an event in the range have no row. The figures follow the policy that is asked for; see the manual, Time spent. An incremental pull has all rows of every user who has new events, because a new event also changes what the one before it is worth.", fr = "Une ligne par utilisateur et par activité : temps mesuré, et ce qu'un paquet SCORM dit de plus. Les utilisateurs sans événement dans la plage n'ont pas de ligne. Les chiffres suivent la règle demandée ; voir le manuel, Temps passé. Un tirage incrémental a toutes les lignes de chaque utilisateur qui a de nouveaux événements, car un nouvel événement change aussi la valeur du précédent." }
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
columns = ["userid", "courseid", "cmid", "module"]

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

[columns.courseid]
type = "Int64"
pii  = "raw"
doc  = { en = "The course; 1 is the front page, 0 what lies outside of courses, such as logins.", fr = "Le cours ; 1 est la page d'accueil, 0 ce qui est hors des cours, comme les connexions." }

[columns.shortname]
type = "Utf8"
pii  = "raw"
doc  = { en = "Short name of the course; null when courses are not loaded.", fr = "Nom abrégé du cours ; nul si les cours ne sont pas chargés." }

[columns.cmid]
type = "Int64"
pii  = "raw"
doc  = { en = "The activity, `course_modules.id`.", fr = "L'activité, `course_modules.id`." }

[columns.module]
type = "Utf8"
pii  = "raw"
doc  = { en = "Type of the activity, such as `quiz`.", fr = "Type de l'activité, par exemple `quiz`." }

[columns.section]
type = "Int64"
pii  = "raw"
doc  = { en = "Section of the activity, `course_sections.id`; null when activities are not loaded.", fr = "Section de l'activité, `course_sections.id` ; nul si les activités ne sont pas chargées." }

[columns.measured]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "Time measured in the log.", fr = "Temps mesuré dans le journal." }

[columns.credited]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "Time that the SCORM package reported beyond the measured one; 0 for other activities.", fr = "Temps que le paquet SCORM a déclaré au-delà du temps mesuré ; 0 pour les autres activités." }

[columns.total]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "`measured` and `credited`.", fr = "`measured` et `credited`." }

[columns.source]
type = "Utf8"
pii  = "raw"
doc  = { en = "Where the total comes from: `realtime`, or `package` when something was credited.", fr = "D'où vient le total : `realtime`, ou `package` si du temps a été crédité." }

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

[incremental]
table = "logstore_standard_log"
mode  = "changed_keys"
columns = { userid = "userid" }

[time]
column = "lastaccess"
---*/
SELECT
    userid, username, idnumber, courseid, shortname, cmid, module, section, measured, credited, total,
    source, hits, firstaccess, lastaccess, firsttime, lasttime
FROM activity_summary($policy, $from, $to)
WHERE ($user IS NULL OR userid = $user) AND ($course IS NULL OR courseid = $course)
