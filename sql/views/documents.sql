/*---
title       = { en = "Activities and their use", fr = "Activités et leur usage" }
description = { en = "One row per activity or resource of a course, except labels, as it is now, with the events that happened in it within the window. Activities without events have zeros. Events of all persons count, also of persons who are not logged in.", fr = "Une ligne par activité ou ressource d'un cours, sauf les étiquettes, telle qu'elle est maintenant, avec les événements qui y ont eu lieu dans la fenêtre. Les activités sans événement ont des zéros. Les événements de toutes les personnes comptent, même non connectées." }
version     = 1
extract     = "special_documents"

[params.from]
type = "timestamp"
help = { en = "Start of the window, exclusive; the beginning when absent.", fr = "Début de la fenêtre, exclu ; l'origine des temps si absent." }

[params.to]
type = "timestamp"
edge = "last"
help = { en = "End of the window, inclusive; the time of the pull when absent. A day means its last second.", fr = "Fin de la fenêtre, incluse ; l'instant du tirage si absente. Un jour désigne sa dernière seconde." }

[key]
columns = ["cmid"]

[columns.cmid]
type = "Int64"
pii  = "raw"
doc  = { en = "The activity, `course_modules.id`.", fr = "L'activité, `course_modules.id`." }

[columns.doctype]
type = "Utf8"
pii  = "raw"
doc  = { en = "Type of the activity, such as `page` or `quiz`.", fr = "Type de l'activité, par exemple `page` ou `quiz`." }

[columns.itemtype]
type = "Utf8"
pii  = "raw"
doc  = { en = "Always `module`.", fr = "Toujours `module`." }

[columns.time]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "When the activity was added to the course, as Unix time; null when Moodle does not say.", fr = "Quand l'activité a été ajoutée au cours, en temps Unix ; nul si Moodle ne le dit pas." }

[columns.course]
type = "Int64"
pii  = "raw"
doc  = { en = "Course of the activity; 1 is the front page.", fr = "Cours de l'activité ; 1 est la page d'accueil." }

[columns.sectionid]
type = "Int64"
pii  = "raw"
doc  = { en = "Section of the activity, `course_sections.id`.", fr = "Section de l'activité, `course_sections.id`." }

[columns.name]
type = "Utf8"
pii  = "raw"
doc  = { en = "Name of the activity as plain text; empty for types that do not come with Moodle.", fr = "Nom de l'activité en texte simple ; vide pour les types qui ne viennent pas avec Moodle." }

[columns.instance]
type = "Utf8"
pii  = "raw"
doc  = { en = "`cmid :: name`.", fr = "`cmid :: nom`." }

[columns.visible]
type = "Utf8"
pii  = "raw"
doc  = { en = "`visible` when course and activity are open to students now, else `nonvisible`.", fr = "`visible` si le cours et l'activité sont ouverts aux étudiants maintenant, sinon `nonvisible`." }

[columns.mediatype]
type = "Utf8"
pii  = "raw"
doc  = { en = "Always `nc`: Moodle knows no kind of medium of an activity.", fr = "Toujours `nc` : Moodle ne connaît pas le genre de média d'une activité." }

[columns.contenttype]
type = "Utf8"
pii  = "raw"
doc  = { en = "Always `nc`: Moodle knows no type of content of an activity.", fr = "Toujours `nc` : Moodle ne connaît pas le type de contenu d'une activité." }

[columns.viewhits]
type = "Int64"
pii  = "raw"
doc  = { en = "Events within the window that read (`crud` is `r`).", fr = "Événements de lecture dans la fenêtre (`crud` vaut `r`)." }

[columns.writehits]
type = "Int64"
pii  = "raw"
doc  = { en = "Events within the window that create or update (`crud` is `c` or `u`).", fr = "Événements de création ou de modification dans la fenêtre (`crud` vaut `c` ou `u`)." }

[columns.totalhits]
type = "Int64"
pii  = "raw"
doc  = { en = "All events within the window; more than the two others together where something was deleted.", fr = "Tous les événements dans la fenêtre ; plus que les deux autres ensemble s'il y a eu des suppressions." }

[columns.coursecategoryid]
type = "Utf8"
pii  = "raw"
doc  = { en = "Category of the course; `nc` for the site course.", fr = "Catégorie du cours ; `nc` pour le cours du site." }

[columns.fullcoursecategorypath]
type = "Utf8"
pii  = "raw"
doc  = { en = "Numbers of the categories from the top to that of the course, joined by `/`; `nc` for the site course, null when the category is not loaded.", fr = "Numéros des catégories, de la racine à celle du cours, séparés par `/` ; `nc` pour le cours du site, nul si la catégorie n'est pas chargée." }

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

[time]
column = "time"

[output.xml]
root = "documentrecords"
row  = "documentrecord"
fields = [
    "contenttype", "course", "coursecategoryid", "doctype", "from", "fullcoursecategorypath",
    "host", "instance", "itemtype", "mediatype", "time", "to", "totalhits", "viewhits", "visible",
    "writehits",
]
---*/
WITH -- The name of an activity lies in the table of its type. Types that do not come with Moodle have no name here.
named AS (
    SELECT 'assign' AS type, id, name FROM assign
    UNION ALL SELECT 'bigbluebuttonbn', id, name FROM bigbluebuttonbn
    UNION ALL SELECT 'book', id, name FROM book
    UNION ALL SELECT 'chat', id, name FROM chat
    UNION ALL SELECT 'choice', id, name FROM choice
    UNION ALL SELECT 'data', id, name FROM data
    UNION ALL SELECT 'feedback', id, name FROM feedback
    UNION ALL SELECT 'folder', id, name FROM folder
    UNION ALL SELECT 'forum', id, name FROM forum
    UNION ALL SELECT 'glossary', id, name FROM glossary
    UNION ALL SELECT 'h5pactivity', id, name FROM h5pactivity
    UNION ALL SELECT 'imscp', id, name FROM imscp
    UNION ALL SELECT 'label', id, name FROM label
    UNION ALL SELECT 'lesson', id, name FROM lesson
    UNION ALL SELECT 'lti', id, name FROM lti
    UNION ALL SELECT 'page', id, name FROM page
    UNION ALL SELECT 'qbank', id, name FROM qbank
    UNION ALL SELECT 'quiz', id, name FROM quiz
    UNION ALL SELECT 'resource', id, name FROM resource
    UNION ALL SELECT 'scorm', id, name FROM scorm
    UNION ALL SELECT 'subsection', id, name FROM subsection
    UNION ALL SELECT 'survey', id, name FROM survey
    UNION ALL SELECT 'url', id, name FROM url
    UNION ALL SELECT 'wiki', id, name FROM wiki
    UNION ALL SELECT 'workshop', id, name FROM workshop
),
-- Names are plain text: elements of HTML are left out of them, their contents stay.
activities AS (
    SELECT cm.id, cm.course, cm.instance, cm.section, cm.idnumber, cm.visible, cm.groupmode, cm.added,
        m.name AS type, regexp_replace(coalesce(named.name, ''), '<([^>\s][^>]*)?>', '', 'g') AS name
    FROM course_modules AS cm
    JOIN modules AS m ON m.id = cm.module
    LEFT JOIN named ON named.type = m.name AND named.id = cm.instance
),
site AS (
    SELECT max(shortname) AS shortname
    FROM course
    WHERE id = 1
),
hits AS (
    SELECT contextinstanceid AS cmid, count(*) FILTER (WHERE crud = 'r') AS viewhits,
        count(*) FILTER (WHERE crud IN ('c', 'u')) AS writehits, count(*) AS totalhits
    FROM logstore_standard_log
    WHERE contextlevel = 70 AND timecreated > coalesce($from, 0) AND timecreated <= coalesce($to, $now)
    GROUP BY contextinstanceid
)
SELECT
    a.id AS cmid, a.type AS doctype, 'module' AS itemtype, a.added AS time, a.course, a.section AS sectionid, a.name,
    concat(a.id, ' :: ', a.name) AS instance,
    CASE WHEN coalesce(courses.visible, 1) = 1 AND coalesce(a.visible, 1) = 1 THEN 'visible' ELSE 'nonvisible' END
        AS visible,
    'nc' AS mediatype, 'nc' AS contenttype,
    coalesce(hits.viewhits, 0) AS viewhits, coalesce(hits.writehits, 0) AS writehits,
    coalesce(hits.totalhits, 0) AS totalhits,
    CASE WHEN courses.id = 1 THEN 'nc' ELSE CAST(courses.category AS VARCHAR) END AS coursecategoryid,
    CASE WHEN courses.id = 1 THEN 'nc' ELSE ltrim(categories.path, '/') END AS fullcoursecategorypath,
    site.shortname AS host, coalesce($from, 0) AS "from", coalesce($to, $now) AS "to"
FROM site
CROSS JOIN activities AS a
JOIN course AS courses ON courses.id = a.course
LEFT JOIN course_categories AS categories ON categories.id = courses.category
LEFT JOIN hits ON hits.cmid = a.id
WHERE a.type NOT LIKE '%label'
