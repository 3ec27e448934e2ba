/*---
title       = { en = "Roles, users and places", fr = "Rôles, utilisateurs et lieux" }
description = { en = "Who holds which role where, now. Part 1 has one row per role that is held by a confirmed account which is not deleted; part 2 one row per such account without any role, if it came to the site by the end of the window or never; part 3 one row per place in which nobody holds a role. Labels are left out. What a part cannot say is `N.C.`, or null as told at the column. The window limits nothing but part 2.", fr = "Qui tient quel rôle et où, maintenant. La partie 1 a une ligne par rôle tenu par un compte confirmé et non supprimé ; la partie 2 une ligne par compte de cette sorte sans aucun rôle, s'il est venu sur le site avant la fin de la fenêtre ou jamais ; la partie 3 une ligne par lieu où personne ne tient de rôle. Les étiquettes sont exclues. Ce qu'une partie ne peut dire vaut `N.C.`, ou est nul comme indiqué à la colonne. La fenêtre ne limite que la partie 2." }
version     = 1
extract     = "special_academics"

[params.from]
type = "timestamp"
help = { en = "Start of the window, exclusive; the beginning when absent.", fr = "Début de la fenêtre, exclu ; l'origine des temps si absent." }

[params.to]
type = "timestamp"
edge = "last"
help = { en = "End of the window, inclusive; the time of the pull when absent. A day means its last second.", fr = "Fin de la fenêtre, incluse ; l'instant du tirage si absente. Un jour désigne sa dernière seconde." }

[key]
columns = ["part", "number"]

[columns.part]
type = "Int64"
pii  = "raw"
doc  = { en = "1 role that is held, 2 account without roles, 3 place without roles.", fr = "1 rôle tenu, 2 compte sans rôle, 3 lieu sans rôle." }

[columns.number]
type = "Int64"
pii  = "pseudonym"
doc  = { en = "Number of the row within its part: of part 1 that of the assignment, of part 2 that of the account, of part 3 that of the context.", fr = "Numéro de la ligne dans sa partie : celui de l'attribution en partie 1, du compte en partie 2, du contexte en partie 3." }

[columns.section]
type = "Utf8"
pii  = "raw"
doc  = { en = "The part in words: `Assignations`, `Users without explicit roles`, `Contexts without direct assignations`.", fr = "La partie en toutes lettres : `Assignations`, `Users without explicit roles`, `Contexts without direct assignations`." }

[columns.userid]
type = "Int64"
pii  = "pseudonym"
doc  = { en = "The account; null in part 3.", fr = "Le compte ; nul en partie 3." }

[columns.username]
type = "Utf8"
pii  = "pseudonym"
doc  = { en = "Login name of the account; `N.C.` in part 3.", fr = "Nom de connexion du compte ; `N.C.` en partie 3." }

[columns.userhost]
type = "Utf8"
pii  = "raw"
doc  = { en = "Root address of the home site of the account; null in part 3, and when the table of home sites is not loaded.", fr = "Adresse racine du site d'origine du compte ; nul en partie 3, et si la table des sites n'est pas chargée." }

[columns.city]
type = "Utf8"
pii  = "raw"
doc  = { en = "Town of the account; `N.C.` for none.", fr = "Ville de ce compte ; `N.C.` sans ville." }

[columns.country]
type = "Utf8"
pii  = "raw"
doc  = { en = "Country of the account, two letters (ISO 3166); `N.C.` for none.", fr = "Pays de ce compte, deux lettres (ISO 3166) ; `N.C.` sans pays." }

[columns.department]
type = "Utf8"
pii  = "raw"
doc  = { en = "Department of the account; `N.C.` for none.", fr = "Service de ce compte ; `N.C.` sans service." }

[columns.institution]
type = "Utf8"
pii  = "raw"
doc  = { en = "Institution of the account; `N.C.` for none.", fr = "Institution de ce compte ; `N.C.` sans institution." }

[columns.lang]
type = "Utf8"
pii  = "raw"
doc  = { en = "Language of the interface of the account; `N.C.` for none.", fr = "Langue de l'interface de ce compte ; `N.C.` sans langue." }

[columns.deleted]
type = "Int64"
pii  = "raw"
doc  = { en = "0 in part 2, null elsewhere: deleted accounts have no row.", fr = "0 en partie 2, nul ailleurs : les comptes supprimés n'ont pas de ligne." }

[columns.roleid]
type = "Int64"
pii  = "raw"
doc  = { en = "The role; null in parts 2 and 3.", fr = "Le rôle ; nul en parties 2 et 3." }

[columns.roleshortname]
type = "Utf8"
pii  = "raw"
doc  = { en = "Short name of the role, such as `student`; null in parts 2 and 3.", fr = "Nom abrégé du rôle, par exemple `student` ; nul en parties 2 et 3." }

[columns.role]
type = "Utf8"
pii  = "raw"
doc  = { en = "Name that the site has given to the role; empty for a standard role under its standard name, `N.C.` in parts 2 and 3.", fr = "Nom que le site a donné au rôle ; vide pour un rôle standard sous son nom standard, `N.C.` en parties 2 et 3." }

[columns.timemodified]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "When the role was given, as Unix time; null in parts 2 and 3.", fr = "Quand le rôle a été donné, en temps Unix ; nul en parties 2 et 3." }

[columns.contextid]
type = "Int64"
pii  = "raw"
doc  = { en = "The place, `context.id`; null in part 2, and for a course whose context is not loaded.", fr = "Le lieu, `context.id` ; nul en partie 2, et pour un cours dont le contexte n'est pas chargé." }

[columns.placelevel]
type = "Int64"
pii  = "raw"
doc  = { en = "Kind of place: 10 site, 30 user, 40 category, 50 course, 70 activity, 80 block; null in part 2.", fr = "Genre de lieu : 10 site, 30 utilisateur, 40 catégorie, 50 cours, 70 activité, 80 bloc ; nul en partie 2." }

[columns.contextlevel]
type = "Int64"
pii  = "raw"
doc  = { en = "As `placelevel` in part 1; -1 in part 2 and 0 in part 3.", fr = "Comme `placelevel` en partie 1 ; -1 en partie 2 et 0 en partie 3." }

[columns.instanceid]
type = "Int64"
pii  = "pseudonym"
doc  = { en = "What the place stands for: the number of a category, course, activity, block or person; null in part 2.", fr = "Ce que le lieu représente : le numéro d'une catégorie, d'un cours, d'une activité, d'un bloc ou d'une personne ; nul en partie 2." }

[columns.context]
type = "Utf8"
pii  = "raw"
doc  = { en = "Kind of place in English words, such as `Course context level`; `N.C.` in part 2.", fr = "Genre de lieu en mots anglais, par exemple `Course context level` ; `N.C.` en partie 2." }

[columns.instance]
type = "Utf8"
pii  = "raw"
doc  = { en = "The place: name of the site; `[id] :: --- :: name` of a category; `[id] :: idnumber :: name` of a course or an activity, with `---` for no idnumber; `id :: [parent context,type] :: type` of a block. Null for the place of a user, `N.C.` in part 2 and for what is not loaded.", fr = "Le lieu : nom du site ; `[id] :: --- :: nom` d'une catégorie ; `[id] :: idnumber :: nom` d'un cours ou d'une activité, avec `---` sans idnumber ; `id :: [contexte parent,type] :: type` d'un bloc. Nul pour le lieu d'un utilisateur, `N.C.` en partie 2 et pour ce qui n'est pas chargé." }

[columns.object]
type = "Utf8"
pii  = "raw"
doc  = { en = "What the place is, in English words: `Site`, `Course categories`, the format of a course, the type of an activity in the plural, the type of a block. Null for the place of a user, `N.C.` in part 2 and for what is not loaded.", fr = "Ce qu'est le lieu, en mots anglais : `Site`, `Course categories`, le format d'un cours, le type d'une activité au pluriel, le type d'un bloc. Nul pour le lieu d'un utilisateur, `N.C.` en partie 2 et pour ce qui n'est pas chargé." }

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

[output.xml]
root = "roleassignrecords"
row  = "roleassignrecord"
fields = [
    "city", "context", "contextlevel", "country", "deleted", "department", "from", "host",
    "instance", "institution", "lang", "object", "role", "section", "to", "userhost", "username",
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
    SELECT max(shortname) AS shortname, max(regexp_replace(coalesce(fullname, ''), '<([^>\s][^>]*)?>', '', 'g')) AS name
    FROM course
    WHERE id = 1
),
-- A course without a context is a place all the same, because command files give roles by course.
contexts AS (
    SELECT id AS contextid, contextlevel, instanceid
    FROM context
    UNION ALL
    SELECT NULL AS contextid, 50 AS contextlevel, course.id AS instanceid
    FROM course
    LEFT JOIN context ON context.contextlevel = 50 AND context.instanceid = course.id
    WHERE context.id IS NULL
),
places AS (
    SELECT co.contextid, co.contextlevel, co.instanceid, site.shortname AS host,
        CASE co.contextlevel
            WHEN 10 THEN 'Site context level'
            WHEN 30 THEN 'User context level'
            WHEN 40 THEN 'Course Category context level'
            WHEN 50 THEN 'Course context level'
            WHEN 70 THEN 'Module context level'
            WHEN 80 THEN 'Block context level'
            ELSE 'N.C.'
        END AS context,
        CASE
            WHEN co.contextlevel = 10 THEN site.name
            WHEN categories.id IS NOT NULL THEN
                concat('[', categories.id, '] :: --- :: ',
                    regexp_replace(coalesce(categories.name, ''), '<([^>\s][^>]*)?>', '', 'g'))
            WHEN courses.id IS NOT NULL THEN
                concat('[', courses.id, '] :: ', coalesce(nullif(courses.idnumber, ''), '---'), ' :: ',
                    regexp_replace(coalesce(courses.fullname, ''), '<([^>\s][^>]*)?>', '', 'g'))
            WHEN a.id IS NOT NULL THEN concat('[', a.id, '] :: ', coalesce(nullif(a.idnumber, ''), '---'), ' :: ', a.name)
            WHEN blocks.id IS NOT NULL THEN
                concat(blocks.id, ' :: [', blocks.parentcontextid, ',', blocks.blockname, '] :: ', blocks.blockname)
            WHEN co.contextlevel <> 30 THEN 'N.C.'
        END AS instance,
        CASE
            WHEN co.contextlevel = 10 THEN 'Site'
            WHEN categories.id IS NOT NULL THEN 'Course categories'
            WHEN courses.id IS NOT NULL THEN
                CASE courses.format
                    WHEN 'site' THEN '[[pluginname]]'
                    WHEN 'topics' THEN 'Topics format'
                    WHEN 'weeks' THEN 'Weekly format'
                    WHEN 'social' THEN 'Social format'
                    WHEN 'singleactivity' THEN 'Single activity format'
                    ELSE coalesce(nullif(courses.format, ''), 'N.C.')
                END
            WHEN a.id IS NOT NULL THEN
                CASE a.type
                    WHEN 'assign' THEN 'Assignments'
                    WHEN 'book' THEN 'Books'
                    WHEN 'chat' THEN 'Chats'
                    WHEN 'choice' THEN 'Choices'
                    WHEN 'data' THEN 'Databases'
                    WHEN 'feedback' THEN 'Feedback'
                    WHEN 'folder' THEN 'Folders'
                    WHEN 'forum' THEN 'Forums'
                    WHEN 'glossary' THEN 'Glossaries'
                    WHEN 'h5pactivity' THEN 'H5P'
                    WHEN 'imscp' THEN 'IMS content packages'
                    WHEN 'lesson' THEN 'Lessons'
                    WHEN 'lti' THEN 'External tools'
                    WHEN 'page' THEN 'Pages'
                    WHEN 'quiz' THEN 'Quizzes'
                    WHEN 'resource' THEN 'Files'
                    WHEN 'scorm' THEN 'SCORM packages'
                    WHEN 'survey' THEN 'Surveys'
                    WHEN 'url' THEN 'URLs'
                    WHEN 'wiki' THEN 'Wikis'
                    WHEN 'workshop' THEN 'Workshops'
                    ELSE a.type
                END
            WHEN blocks.id IS NOT NULL THEN blocks.blockname
            WHEN co.contextlevel <> 30 THEN 'N.C.'
        END AS object
    FROM site
    CROSS JOIN contexts AS co
    LEFT JOIN course_categories AS categories ON co.contextlevel = 40 AND categories.id = co.instanceid
    LEFT JOIN course AS courses ON co.contextlevel = 50 AND courses.id = co.instanceid
    LEFT JOIN activities AS a ON co.contextlevel = 70 AND a.id = co.instanceid
    LEFT JOIN block_instances AS blocks ON co.contextlevel = 80 AND blocks.id = co.instanceid
    WHERE a.type IS NULL OR a.type NOT LIKE '%label'
),
people AS (
    SELECT u.id, u.username, u.city, u.country, u.department, u.institution, u.lang, u.firstaccess, hosts.wwwroot
    FROM "user" AS u
    LEFT JOIN mnet_host AS hosts ON hosts.id = CASE WHEN coalesce(u.mnethostid, 0) = 0 THEN 1 ELSE u.mnethostid END
    WHERE coalesce(u.deleted, 0) = 0 AND coalesce(u.confirmed, 1) = 1
),
-- A place is known by its level and what it stands for. A role in a context that is gone is in no place.
assigned AS (
    SELECT ra.id, ra.userid, ra.roleid, ra.timemodified, coalesce(co.contextlevel, 50) AS contextlevel,
        coalesce(co.instanceid, ra.courseid) AS instanceid
    FROM role_assignments AS ra
    LEFT JOIN context AS co ON co.id = ra.contextid
),
rows AS (
    SELECT 1 AS part, a.id AS number, 'Assignations' AS section, a.userid, r.id AS roleid, r.shortname AS roleshortname,
        coalesce(r.name, '') AS role, a.timemodified, p.contextid, p.contextlevel AS placelevel, p.contextlevel,
        p.instanceid, p.context, p.instance, p.object, CAST(NULL AS BIGINT) AS deleted
    FROM assigned AS a
    JOIN people ON people.id = a.userid
    JOIN role AS r ON r.id = a.roleid
    JOIN places AS p ON p.contextlevel = a.contextlevel AND p.instanceid = a.instanceid
    UNION ALL
    SELECT 2 AS part, people.id AS number, 'Users without explicit roles' AS section, people.id AS userid, NULL AS roleid,
        NULL AS roleshortname, 'N.C.' AS role, NULL AS timemodified, NULL AS contextid, NULL AS placelevel,
        -1 AS contextlevel, NULL AS instanceid, 'N.C.' AS context, 'N.C.' AS instance, 'N.C.' AS object, 0 AS deleted
    FROM people
    LEFT JOIN role_assignments AS ra ON ra.userid = people.id
    WHERE ra.id IS NULL AND coalesce(people.firstaccess, 0) <= coalesce($to, $now)
    UNION ALL
    SELECT 3 AS part, p.contextid AS number, 'Contexts without direct assignations' AS section, NULL AS userid,
        NULL AS roleid, NULL AS roleshortname, 'N.C.' AS role, NULL AS timemodified, p.contextid,
        p.contextlevel AS placelevel, 0 AS contextlevel, p.instanceid, p.context, p.instance, p.object, NULL AS deleted
    FROM places AS p
    LEFT JOIN assigned AS a ON a.contextlevel = p.contextlevel AND a.instanceid = p.instanceid
    WHERE a.id IS NULL AND p.contextid IS NOT NULL
)
SELECT
    rows.part, rows.number, rows.section, rows.userid, coalesce(people.username, 'N.C.') AS username,
    people.wwwroot AS userhost,
    coalesce(nullif(people.city, ''), 'N.C.') AS city,
    coalesce(nullif(people.country, ''), 'N.C.') AS country,
    coalesce(nullif(people.department, ''), 'N.C.') AS department,
    coalesce(nullif(people.institution, ''), 'N.C.') AS institution,
    coalesce(nullif(people.lang, ''), 'N.C.') AS lang,
    rows.deleted, rows.roleid, rows.roleshortname, rows.role, rows.timemodified,
    rows.contextid, rows.placelevel, rows.contextlevel, rows.instanceid, rows.context, rows.instance, rows.object,
    site.shortname AS host, coalesce($from, 0) AS "from", coalesce($to, $now) AS "to"
FROM site
CROSS JOIN (
    people RIGHT JOIN rows ON people.id = rows.userid
)
