/*---
title       = { en = "Grades", fr = "Notes" }
description = { en = "One row per grade of a user for one column of a gradebook: activities, categories and totals of courses alike. The window is about the last change of a grade, so a grade that is given anew comes again; a grade without any time is in every window that has no start. Grades of accounts or gradebook columns that are gone are left out.", fr = "Une ligne par note d'un utilisateur pour une colonne d'un carnet de notes : activités, catégories et totaux de cours. La fenêtre porte sur la dernière modification d'une note, donc une note donnée à nouveau revient ; une note sans aucune date est dans toute fenêtre sans début. Les notes de comptes ou de colonnes disparus sont exclues." }
version     = 1
extract     = "special_grades"

[params.from]
type = "timestamp"
help = { en = "Start of the window, exclusive; the beginning when absent.", fr = "Début de la fenêtre, exclu ; l'origine des temps si absent." }

[params.to]
type = "timestamp"
edge = "last"
help = { en = "End of the window, inclusive; the time of the pull when absent. A day means its last second.", fr = "Fin de la fenêtre, incluse ; l'instant du tirage si absente. Un jour désigne sa dernière seconde." }

[key]
columns = ["id"]

[columns.id]
type = "Int64"
pii  = "raw"
doc  = { en = "Number of the grade, `grade_grades.id`.", fr = "Numéro de la note, `grade_grades.id`." }

[columns.userid]
type = "Int64"
pii  = "pseudonym"
doc  = { en = "Who was graded.", fr = "Qui est noté." }

[columns.username]
type = "Utf8"
pii  = "pseudonym"
doc  = { en = "Login name of who was graded.", fr = "Nom de connexion de qui est noté." }

[columns.city]
type = "Utf8"
pii  = "raw"
doc  = { en = "Town of the user; `N.C.` for none.", fr = "Ville de l'utilisateur ; `N.C.` sans ville." }

[columns.country]
type = "Utf8"
pii  = "raw"
doc  = { en = "Country of the user, two letters (ISO 3166); `N.C.` for none.", fr = "Pays de l'utilisateur, deux lettres (ISO 3166) ; `N.C.` sans pays." }

[columns.department]
type = "Utf8"
pii  = "raw"
doc  = { en = "Department of the user; `N.C.` for none.", fr = "Service de l'utilisateur ; `N.C.` sans service." }

[columns.institution]
type = "Utf8"
pii  = "raw"
doc  = { en = "Institution of the user; `N.C.` for none.", fr = "Institution de l'utilisateur ; `N.C.` sans institution." }

[columns.lang]
type = "Utf8"
pii  = "raw"
doc  = { en = "Language of the interface of the user; `N.C.` for none.", fr = "Langue de l'interface de l'utilisateur ; `N.C.` sans langue." }

[columns.itemid]
type = "Int64"
pii  = "raw"
doc  = { en = "Column of the gradebook, `grade_items.id`.", fr = "Colonne du carnet de notes, `grade_items.id`." }

[columns.itemtype]
type = "Utf8"
pii  = "raw"
doc  = { en = "Kind of column: `mod` an activity, `category`, `course` the total, `manual` and so on.", fr = "Genre de colonne : `mod` une activité, `category`, `course` le total, `manual`, etc." }

[columns.itemmodule]
type = "Utf8"
pii  = "raw"
doc  = { en = "Type of the activity, such as `quiz`; null for columns that are no activity.", fr = "Type de l'activité, par exemple `quiz` ; nul pour les colonnes qui ne sont pas une activité." }

[columns.iteminstance]
type = "Int64"
pii  = "raw"
doc  = { en = "Of an activity the row in the table of its type, else the category of the gradebook; null when the column has none.", fr = "D'une activité la ligne dans la table de son type, sinon la catégorie du carnet ; nul si la colonne n'en a pas." }

[columns.courseid]
type = "Int64"
pii  = "raw"
doc  = { en = "Course of the gradebook.", fr = "Cours du carnet de notes." }

[columns.enrollable]
type = "Utf8"
pii  = "raw"
doc  = { en = "Number of active methods by which users enrol themselves in the course; `nc` for the site course.", fr = "Nombre de méthodes actives par lesquelles les utilisateurs s'inscrivent eux-mêmes au cours ; `nc` pour le cours du site." }

[columns.finalgrade]
type = "Float64"
pii  = "raw"
doc  = { en = "Grade after all calculations, in points of the column; null for none yet.", fr = "Note après tous les calculs, en points de la colonne ; nul s'il n'y en a pas encore." }

[columns.locked]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "0 when the grade can change, else since when it cannot, as Unix time.", fr = "0 si la note peut changer, sinon depuis quand elle ne le peut plus, en temps Unix." }

[columns.overridden]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "0 when the grade comes from the activity, else when a person replaced it, as Unix time.", fr = "0 si la note vient de l'activité, sinon quand une personne l'a remplacée, en temps Unix." }

[columns.timecreated]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "When the work was submitted or the grade first given, as Unix time; null when Moodle does not say.", fr = "Quand le travail a été rendu ou la note donnée la première fois, en temps Unix ; nul si Moodle ne le dit pas." }

[columns.timemodified]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "When the grade was last changed, as Unix time; null when Moodle does not say.", fr = "Quand la note a été modifiée la dernière fois, en temps Unix ; nul si Moodle ne le dit pas." }

[columns.host]
type = "Utf8"
pii  = "raw"
doc  = { en = "Short name of the site, which is that of its site course (course 1); null when that course is not loaded.", fr = "Nom abrégé du site, celui du cours du site (cours 1) ; nul si ce cours n'est pas chargé." }

[columns.from]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "Start of the window, exclusive; 0 when none was given.", fr = "Début de la fenêtre, exclu ; 0 s'il n'est pas donné." }

[columns.to]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "End of the window, inclusive; the time of the pull when none was given.", fr = "Fin de la fenêtre, incluse ; l'instant du tirage si elle n'est pas donnée." }

[incremental]
table = "grade_grades"
mode  = "append"

[time]
column = "timemodified"

[output.xml]
root = "graderecords"
row  = "graderecord"
fields = [
    "city", "country", "courseid", "department", "enrollable", "finalgrade", "from", "host",
    "institution", "iteminstance", "itemmodule", "lang", "locked", "overridden", "to", "username",
]
---*/
WITH site AS (
    SELECT max(shortname) AS shortname
    FROM course
    WHERE id = 1
),
self_enrolments AS (
    SELECT courseid, count(*) AS methods
    FROM enrol
    WHERE enrol = 'self' AND coalesce(status, 0) = 0
    GROUP BY courseid
)
SELECT
    g.id, g.userid, u.username,
    coalesce(nullif(u.city, ''), 'N.C.') AS city,
    coalesce(nullif(u.country, ''), 'N.C.') AS country,
    coalesce(nullif(u.department, ''), 'N.C.') AS department,
    coalesce(nullif(u.institution, ''), 'N.C.') AS institution,
    coalesce(nullif(u.lang, ''), 'N.C.') AS lang,
    g.itemid, items.itemtype, items.itemmodule, items.iteminstance, items.courseid,
    CASE WHEN items.courseid = 1 THEN 'nc' ELSE CAST(coalesce(methods.methods, 0) AS VARCHAR) END AS enrollable,
    g.finalgrade, coalesce(g.locked, 0) AS locked, coalesce(g.overridden, 0) AS overridden,
    g.timecreated, g.timemodified,
    site.shortname AS host, coalesce($from, 0) AS "from", coalesce($to, $now) AS "to",
    g._commit
-- The small side of each join comes first: it is held in memory, and the grades stream by.
FROM site
CROSS JOIN (
    self_enrolments AS methods RIGHT JOIN (
        "user" AS u JOIN (
            grade_items AS items JOIN grade_grades AS g ON items.id = g.itemid
        ) ON u.id = g.userid
    ) ON methods.courseid = items.courseid
)
WHERE coalesce(g.timemodified, g.timecreated, 0) <= coalesce($to, $now)
    -- Without a start there is no lower bound, so that grades without a time come too.
    AND (coalesce($from, 0) = 0 OR coalesce(g.timemodified, g.timecreated, 0) > $from)
