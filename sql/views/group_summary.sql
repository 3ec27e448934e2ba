/*---
title       = { en = "Groups of courses", fr = "Groupes des cours" }
description = { en = "One row per group of a course in which a member was: members, those who were there, their time in that course. A person counts once per group, and in each of their groups. The figures follow the policy that is asked for; see the manual, Time spent. It is pulled in full: an event anywhere can change the time that the event before it is worth in another course.", fr = "Une ligne par groupe d'un cours où était un membre : membres, présents, leur temps dans ce cours. Une personne compte une fois par groupe, et dans chacun de ses groupes. Les chiffres suivent la règle demandée ; voir le manuel, Temps passé. Elle se tire en entier : un événement n'importe où peut changer le temps que vaut le précédent dans un autre cours." }
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

[params.course]
type = "int"
help = { en = "Only this course.", fr = "Ce cours seulement." }

[key]
columns = ["groupid"]

[columns.groupid]
type = "Int64"
pii  = "raw"
doc  = { en = "The group.", fr = "Le groupe." }

[columns.groupidnumber]
type = "Utf8"
pii  = "raw"
doc  = { en = "Identifier of the group given by the institution; may be empty.", fr = "Identifiant du groupe donné par l'institution ; peut être vide." }

[columns.groupname]
type = "Utf8"
pii  = "raw"
doc  = { en = "Name of the group.", fr = "Nom du groupe." }

[columns.courseid]
type = "Int64"
pii  = "raw"
doc  = { en = "Course of the group.", fr = "Cours du groupe." }

[columns.shortname]
type = "Utf8"
pii  = "raw"
doc  = { en = "Short name of the course; null when courses are not loaded.", fr = "Nom abrégé du cours ; nul si les cours ne sont pas chargés." }

[columns.fullname]
type = "Utf8"
pii  = "raw"
doc  = { en = "Full name of the course; null when courses are not loaded.", fr = "Nom complet du cours ; nul si les cours ne sont pas chargés." }

[columns.members]
type = "Int64"
pii  = "raw"
doc  = { en = "Members of the group now.", fr = "Membres actuels du groupe." }

[columns.users]
type = "Int64"
pii  = "raw"
doc  = { en = "Members who have an event that counts in the course.", fr = "Membres qui ont dans le cours un événement qui compte." }

[columns.coursetotal]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "Time altogether, of all of them: the sum of the three below.", fr = "Temps total, de tous : somme des trois suivants." }

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
---*/
SELECT
    groupid, groupidnumber, groupname, courseid, shortname, fullname, members, users, coursetotal,
    activitytime, coursetime, othertime, hits
FROM group_summary($policy, $from, $to)
WHERE ($course IS NULL OR courseid = $course)
