/*---
title       = { en = "Actions in courses", fr = "Actions dans les cours" }
description = { en = "One row per event of the activity log that happened in a course or on the front page, with its place and its actor as they are now. Events outside of courses, such as logins, are left out, and so are events of courses and activities that are gone, of labels, and of accounts that are not loaded. Events of one second come in the order of their numbers. An incremental pull has the new events alone: what was `600` in `gap` because there was no later event yet is not sent again.", fr = "Une ligne par événement du journal d'activité survenu dans un cours ou sur la page d'accueil, avec son lieu et son auteur tels qu'ils sont maintenant. Les événements hors des cours, comme les connexions, sont exclus, de même que ceux des cours et activités disparus, des étiquettes, et des comptes qui ne sont pas chargés. Les événements d'une même seconde viennent dans l'ordre de leurs numéros. Un tirage incrémental a seulement les nouveaux événements : un `gap` de `600`, faute d'événement postérieur, n'est pas renvoyé ensuite." }
version     = 1
extract     = "special_actions"

[params.from]
type = "timestamp"
help = { en = "Start of the window, exclusive; the beginning when absent.", fr = "Début de la fenêtre, exclu ; l'origine des temps si absent." }

[params.to]
type = "timestamp"
edge = "last"
help = { en = "End of the window, inclusive; the time of the pull when absent. A day means its last second.", fr = "Fin de la fenêtre, incluse ; l'instant du tirage si absente. Un jour désigne sa dernière seconde." }

[key]
columns = ["timecreated", "id"]

[columns.id]
type = "Int64"
pii  = "raw"
doc  = { en = "Number of the event in the activity log; unique within the site.", fr = "Numéro de l'événement dans le journal d'activité ; unique dans le site." }

[columns.timecreated]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "When the event happened, as Unix time.", fr = "Quand l'événement a eu lieu, en temps Unix." }

[columns.action]
type = "Utf8"
pii  = "raw"
doc  = { en = "What was done and to what: the verb, `_` and the target, such as `viewed_course`.", fr = "Ce qui a été fait et à quoi : le verbe, `_` et la cible, par exemple `viewed_course`." }

[columns.component]
type = "Utf8"
pii  = "raw"
doc  = { en = "Part of Moodle that raised the event: `core`, or a plugin such as `mod_quiz`.", fr = "Partie de Moodle qui a émis l'événement : `core`, ou un greffon comme `mod_quiz`." }

[columns.target]
type = "Utf8"
pii  = "raw"
doc  = { en = "What the action was done to, such as `course_module` or `attempt`.", fr = "Ce sur quoi porte l'action, par exemple `course_module` ou `attempt`." }

[columns.crud]
type = "Utf8"
pii  = "raw"
doc  = { en = "Kind of action: `c` create, `r` read, `u` update, `d` delete.", fr = "Genre d'action : `c` création, `r` lecture, `u` modification, `d` suppression." }

[columns.edulevel]
type = "Int64"
pii  = "raw"
doc  = { en = "Educational level: 0 other, 1 teaching, 2 participating.", fr = "Niveau pédagogique : 0 autre, 1 enseignement, 2 participation." }

[columns.origin]
type = "Utf8"
pii  = "raw"
doc  = { en = "How the request came: `web`, `ws` (web service), `cli`, `restore` and so on; null when Moodle does not say.", fr = "Origine de la requête : `web`, `ws` (service web), `cli`, `restore`, etc. ; nul si Moodle ne le dit pas." }

[columns.objecttable]
type = "Utf8"
pii  = "raw"
doc  = { en = "Table of the object concerned; null when the event concerns none.", fr = "Table de l'objet concerné ; nul si l'événement n'en concerne aucun." }

[columns.objectid]
type = "Int64"
pii  = "pseudonym"
doc  = { en = "Row of `objecttable`, which is a person where that is `user`; null when the event concerns no object.", fr = "Ligne de `objecttable`, une personne si c'est `user` ; nul si l'événement ne concerne aucun objet." }

[columns.contextid]
type = "Int64"
pii  = "raw"
doc  = { en = "Number of the place (context) of the event.", fr = "Numéro du lieu (contexte) de l'événement." }

[columns.contextlevel]
type = "Int64"
pii  = "raw"
doc  = { en = "Kind of place: 10 site, 30 user, 40 category, 50 course, 70 activity, 80 block.", fr = "Genre de lieu : 10 site, 30 utilisateur, 40 catégorie, 50 cours, 70 activité, 80 bloc." }

[columns.contextinstanceid]
type = "Int64"
pii  = "pseudonym"
doc  = { en = "What the place stands for: the number of a category, course, activity (`cmid`) or block; of a person where `contextlevel` is 30.", fr = "Ce que le lieu représente : le numéro d'une catégorie, d'un cours, d'une activité (`cmid`) ou d'un bloc ; d'une personne si `contextlevel` vaut 30." }

[columns.courseid]
type = "Int64"
pii  = "raw"
doc  = { en = "Course; 1 is the site course, which is the front page.", fr = "Cours ; 1 est le cours du site, la page d'accueil." }

[columns.coursecategoryid]
type = "Utf8"
pii  = "raw"
doc  = { en = "Category of the course; `nc` for the site course, which is in none.", fr = "Catégorie du cours ; `nc` pour le cours du site, qui n'en a pas." }

[columns.fullcoursecategorypath]
type = "Utf8"
pii  = "raw"
doc  = { en = "Numbers of the categories from the top to that of the course, joined by `/`; `nc` for the site course.", fr = "Numéros des catégories, de la racine à celle du cours, séparés par `/` ; `nc` pour le cours du site." }

[columns.instance]
type = "Utf8"
pii  = "raw"
doc  = { en = "Of an activity `[number in the table of its type] :: idnumber :: name`, with `---` for no idnumber; of a course `[courseid] :: idnumber :: `; `nc` elsewhere.", fr = "D'une activité `[numéro dans la table de son type] :: idnumber :: nom`, avec `---` sans idnumber ; d'un cours `[courseid] :: idnumber :: ` ; `nc` ailleurs." }

[columns.cmid]
type = "Utf8"
pii  = "raw"
doc  = { en = "Activity, `course_modules.id`; `nc` outside of activities.", fr = "Activité, `course_modules.id` ; `nc` hors des activités." }

[columns.sectionid]
type = "Utf8"
pii  = "raw"
doc  = { en = "Section of the activity, `course_sections.id`; `nc` outside of activities.", fr = "Section de l'activité, `course_sections.id` ; `nc` hors des activités." }

[columns.blockid]
type = "Utf8"
pii  = "raw"
doc  = { en = "Always `nc`: events do not say in which block they happened.", fr = "Toujours `nc` : les événements ne disent pas dans quel bloc ils ont eu lieu." }

[columns.groupid]
type = "Utf8"
pii  = "raw"
doc  = { en = "Always `nc`: events do not say in which group they happened.", fr = "Toujours `nc` : les événements ne disent pas dans quel groupe ils ont eu lieu." }

[columns.groupmode]
type = "Utf8"
pii  = "raw"
doc  = { en = "Group mode of the activity: `nogroups`, `separatedgroups` or `visiblegroups`; `nogroups` outside of activities.", fr = "Mode de groupe de l'activité : `nogroups`, `separatedgroups` ou `visiblegroups` ; `nogroups` hors des activités." }

[columns.visible]
type = "Utf8"
pii  = "raw"
doc  = { en = "`visible` when course and activity are open to students now, else `nonvisible`.", fr = "`visible` si le cours et l'activité sont ouverts aux étudiants maintenant, sinon `nonvisible`." }

[columns.classifier1]
type = "Utf8"
pii  = "raw"
doc  = { en = "Always `nc`.", fr = "Toujours `nc`." }

[columns.classifier2]
type = "Utf8"
pii  = "raw"
doc  = { en = "Always `nc`.", fr = "Toujours `nc`." }

[columns.classifier3]
type = "Utf8"
pii  = "raw"
doc  = { en = "Always `nc`.", fr = "Toujours `nc`." }

[columns.userid]
type = "Int64"
pii  = "pseudonym"
doc  = { en = "Who acted.", fr = "Qui a agi." }

[columns.username]
type = "Utf8"
pii  = "pseudonym"
doc  = { en = "Login name of who acted.", fr = "Nom de connexion de qui a agi." }

[columns.userhostid]
type = "Int64"
pii  = "raw"
doc  = { en = "Home site of the account: 1 this site, 2 all sites, else a remote site.", fr = "Site d'origine du compte : 1 ce site, 2 tous les sites, sinon un site distant." }

[columns.userhostname]
type = "Utf8"
pii  = "raw"
doc  = { en = "Name of the home site; empty for this site, null when the table of home sites is not loaded.", fr = "Nom du site d'origine ; vide pour ce site, nul si la table des sites n'est pas chargée." }

[columns.userhost]
type = "Utf8"
pii  = "raw"
doc  = { en = "`local` for this site, `allhosts` for all sites, else the root address of the home site.", fr = "`local` pour ce site, `allhosts` pour tous, sinon l'adresse racine du site d'origine." }

[columns.allroles]
type = "Utf8"
pii  = "raw"
doc  = { en = "Short names of the roles that the user holds now at the place of the event or above it, in the order of the roles, separated by commas; null for none.", fr = "Noms abrégés des rôles que l'utilisateur tient maintenant au lieu de l'événement ou au-dessus, dans l'ordre des rôles, séparés par des virgules ; nul sans rôle." }

[columns.hrole]
type = "Utf8"
pii  = "raw"
doc  = { en = "On the first event of a user at a place within the window, the last of `allroles`; on later ones the same as `allroles`, as existing consumers receive it.", fr = "Au premier événement d'un utilisateur en un lieu dans la fenêtre, le dernier de `allroles` ; aux suivants la même valeur que `allroles`, comme les consommateurs existants la reçoivent." }

[columns.hasdirectroleincourse]
type = "Utf8"
pii  = "raw"
doc  = { en = "`yes` when the user holds a role in the course itself, else `no`.", fr = "`yes` si l'utilisateur tient un rôle dans le cours même, sinon `no`." }

[columns.cohortid]
type = "Int64"
pii  = "raw"
doc  = { en = "The cohort by which the user is enrolled now, else a cohort of the user, else 0; the one with the smallest number where there are several.", fr = "La cohorte par laquelle l'utilisateur est inscrit maintenant, sinon une cohorte de l'utilisateur, sinon 0 ; celle de plus petit numéro s'il y en a plusieurs." }

[columns.relateduserid]
type = "Int64"
pii  = "pseudonym"
doc  = { en = "Another person concerned, such as the one who was graded; null for none.", fr = "Une autre personne concernée, par exemple celle qui est notée ; nul sans autre personne." }

[columns.realuserid]
type = "Int64"
pii  = "pseudonym"
doc  = { en = "Who really acted while logged in as `userid`; null when that is the same person.", fr = "Qui a vraiment agi en étant connecté comme `userid` ; nul si c'est la même personne." }

[columns.anonymous]
type = "Int64"
pii  = "raw"
doc  = { en = "1 when the event hides who acted, else 0.", fr = "1 si l'événement cache qui a agi, sinon 0." }

[columns.ip]
type = "Utf8"
pii  = "drop"
doc  = { en = "Network address of the client; null when none was noted.", fr = "Adresse réseau du client ; nul si elle n'a pas été notée." }

[columns.gap]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "Seconds to the user's next event with a later time, anywhere on the site and also beyond the window; 600 when there is none.", fr = "Secondes jusqu'au prochain événement de l'utilisateur à une heure postérieure, n'importe où sur le site et même après la fenêtre ; 600 s'il n'y en a pas." }

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
table = "logstore_standard_log"
mode  = "append"

[time]
column = "timecreated"

[output.xml]
root = "logrecords"
row  = "logrecord"
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
-- The next event is looked for in the whole log, whatever the course and the end of the window. The end of the frame
-- is out of reach of any log; a frame with an end streams, one user at a time.
hits AS (
    SELECT id, timecreated, component, action, target, objecttable, objectid, crud, edulevel, contextid, contextlevel,
        contextinstanceid, userid, courseid, relateduserid, anonymous, origin, ip, realuserid, _commit,
        first_value(timecreated) OVER (
            PARTITION BY userid ORDER BY timecreated RANGE BETWEEN 1 FOLLOWING AND 1000000000000 FOLLOWING
        ) - timecreated AS gap
    FROM logstore_standard_log
    WHERE timecreated > coalesce($from, 0)
),
placed AS (
    SELECT id, timecreated, component, action, target, objecttable, objectid, crud, edulevel, contextid, contextlevel,
        contextinstanceid, userid, courseid, relateduserid, anonymous, origin, ip, realuserid, _commit, gap
    FROM hits
    WHERE courseid > 0 AND timecreated <= coalesce($to, $now)
),
-- Each context with itself and those above it.
ancestors AS (
    SELECT id AS contextid, TRY_CAST(unnest(string_to_array(coalesce(path, CAST(id AS VARCHAR)), '/')) AS BIGINT) AS place
    FROM context
),
-- Command files give roles by course, Moodle by context.
held AS (
    SELECT ra.userid, ra.roleid, coalesce(ra.contextid, courses.id) AS contextid,
        coalesce(ra.courseid, places.instanceid) AS courseid
    FROM role_assignments AS ra
    LEFT JOIN context AS places ON places.contextlevel = 50 AND places.id = ra.contextid
    LEFT JOIN context AS courses ON courses.contextlevel = 50 AND courses.instanceid = ra.courseid
),
direct AS (
    SELECT DISTINCT userid, courseid
    FROM held
    WHERE courseid IS NOT NULL
),
-- Roles are held in few places. Below one of them, down to the next, all places have the same roles, and it stands for them.
role_places AS (
    SELECT DISTINCT contextid
    FROM held
),
anchors AS (
    SELECT ancestors.contextid, last_value(ancestors.place ORDER BY coalesce(length(co.path), 0)) AS place
    FROM role_places
    JOIN ancestors ON ancestors.place = role_places.contextid
    JOIN context AS co ON co.id = ancestors.place
    GROUP BY ancestors.contextid
),
seen AS (
    SELECT DISTINCT l.userid, anchors.place
    FROM anchors
    JOIN logstore_standard_log AS l ON l.contextid = anchors.contextid
    WHERE l.courseid > 0 AND l.timecreated > coalesce($from, 0) AND l.timecreated <= coalesce($to, $now)
),
seen_roles AS (
    SELECT DISTINCT seen.userid, seen.place, r.id, r.shortname, r.sortorder
    FROM seen
    JOIN ancestors ON ancestors.contextid = seen.place
    JOIN held ON held.userid = seen.userid AND held.contextid = ancestors.place
    JOIN role AS r ON r.id = held.roleid
),
roles AS (
    SELECT userid, place, string_agg(shortname, ',' ORDER BY sortorder, id) AS allroles,
        last_value(shortname ORDER BY sortorder, id) AS lastrole
    FROM seen_roles
    GROUP BY userid, place
),
-- The first event of a user at a place; with a single role there it is like the others.
firsts AS (
    SELECT l.userid, l.contextid, first_value(l.id ORDER BY l.timecreated, l.id) AS id
    FROM roles
    JOIN (
        anchors JOIN logstore_standard_log AS l ON l.contextid = anchors.contextid
    ) ON roles.userid = l.userid AND roles.place = anchors.place
    WHERE roles.allroles <> roles.lastrole
        AND l.courseid > 0 AND l.timecreated > coalesce($from, 0) AND l.timecreated <= coalesce($to, $now)
    GROUP BY l.userid, l.contextid
),
members AS (
    SELECT userid, min(cohortid) AS cohortid
    FROM cohort_members
    GROUP BY userid
),
enrolled AS (
    SELECT ue.userid, min(methods.customint1) AS cohortid
    FROM user_enrolments AS ue
    JOIN enrol AS methods ON methods.id = ue.enrolid
    WHERE methods.enrol = 'cohort' AND coalesce(methods.status, 0) = 0 AND coalesce(ue.status, 0) = 0
        AND coalesce(ue.timestart, 0) <= $now AND (coalesce(ue.timeend, 0) = 0 OR ue.timeend > $now)
    GROUP BY ue.userid
),
accounts AS (
    SELECT id, username, CASE WHEN coalesce(mnethostid, 0) = 0 THEN 1 ELSE mnethostid END AS hostid
    FROM "user"
),
people AS (
    SELECT accounts.id, accounts.username, accounts.hostid, hosts.name AS hostname, hosts.wwwroot,
        coalesce(enrolled.cohortid, members.cohortid, 0) AS cohortid
    FROM accounts
    LEFT JOIN mnet_host AS hosts ON hosts.id = accounts.hostid
    LEFT JOIN members ON members.userid = accounts.id
    LEFT JOIN enrolled ON enrolled.userid = accounts.id
),
courses AS (
    SELECT c.id, c.idnumber, c.visible,
        CASE WHEN c.id = 1 THEN 'nc' ELSE CAST(c.category AS VARCHAR) END AS category,
        CASE WHEN c.id = 1 THEN 'nc' ELSE ltrim(categories.path, '/') END AS path
    FROM course AS c
    LEFT JOIN course_categories AS categories ON categories.id = c.category
)
SELECT
    l.id, l.timecreated, concat(l.action, '_', l.target) AS action, l.component, l.target, l.crud, l.edulevel, l.origin,
    l.objecttable, l.objectid, l.contextid, l.contextlevel, l.contextinstanceid, l.courseid,
    courses.category AS coursecategoryid, courses.path AS fullcoursecategorypath,
    CASE
        WHEN a.id IS NOT NULL THEN
            concat('[', a.instance, '] :: ', coalesce(nullif(a.idnumber, ''), '---'), ' :: ', a.name)
        WHEN l.contextlevel = 50 THEN concat('[', courses.id, '] :: ', courses.idnumber, ' :: ')
        ELSE 'nc'
    END AS instance,
    coalesce(CAST(a.id AS VARCHAR), 'nc') AS cmid, coalesce(CAST(a.section AS VARCHAR), 'nc') AS sectionid,
    'nc' AS blockid, 'nc' AS groupid,
    CASE a.groupmode WHEN 1 THEN 'separatedgroups' WHEN 2 THEN 'visiblegroups' ELSE 'nogroups' END AS groupmode,
    CASE WHEN coalesce(courses.visible, 1) = 1 AND coalesce(a.visible, 1) = 1 THEN 'visible' ELSE 'nonvisible' END
        AS visible,
    'nc' AS classifier1, 'nc' AS classifier2, 'nc' AS classifier3,
    l.userid, people.username, people.hostid AS userhostid, people.hostname AS userhostname,
    CASE people.hostid WHEN 1 THEN 'local' WHEN 2 THEN 'allhosts' ELSE people.wwwroot END AS userhost,
    roles.allroles, CASE WHEN firsts.id = l.id THEN roles.lastrole ELSE roles.allroles END AS hrole,
    CASE WHEN direct.userid IS NULL THEN 'no' ELSE 'yes' END AS hasdirectroleincourse,
    people.cohortid, l.relateduserid, l.realuserid, l.anonymous, l.ip, coalesce(l.gap, 600) AS gap,
    site.shortname AS host, coalesce($from, 0) AS "from", coalesce($to, $now) AS "to",
    l._commit
-- The small side of each join comes first, from the innermost one on: it is held in memory, and the log streams by.
FROM site
CROSS JOIN (
    firsts RIGHT JOIN (
        direct RIGHT JOIN (
            roles RIGHT JOIN (
                activities AS a RIGHT JOIN (
                    courses JOIN (
                        people JOIN (
                            anchors RIGHT JOIN placed AS l ON anchors.contextid = l.contextid
                        ) ON people.id = l.userid
                    ) ON courses.id = l.courseid
                ) ON l.contextlevel = 70 AND a.id = l.contextinstanceid
            ) ON roles.userid = l.userid AND roles.place = anchors.place
        ) ON direct.userid = l.userid AND direct.courseid = l.courseid
    ) ON firsts.userid = l.userid AND firsts.contextid = l.contextid
)
-- What Moodle itself says about an activity stays when the activity is gone.
WHERE l.contextlevel <> 70 OR l.component = 'core' OR (a.id IS NOT NULL AND a.type NOT LIKE '%label')
