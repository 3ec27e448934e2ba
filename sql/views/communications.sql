/*---
title       = { en = "Communication between persons", fr = "Communication entre personnes" }
description = { en = "One row per act of communication and person that it reaches: the first post of a discussion for each subscriber of its forum, a reply for the author of the post that it answers, a message for each other member of its conversation, a line of chat for each other person who is in the room. Notifications that the site makes are left out. Persons reached by a forum to which everybody is subscribed by force have no row, because Moodle notes no subscriptions there. Roles and persons are as they are now.", fr = "Une ligne par acte de communication et par personne atteinte : le premier message d'une discussion pour chaque abonné de son forum, une réponse pour l'auteur du message auquel elle répond, un message pour chaque autre membre de sa conversation, une ligne de clavardage pour chaque autre personne présente dans le salon. Les notifications faites par le site sont exclues. Les personnes atteintes par un forum à abonnement imposé n'ont pas de ligne, car Moodle n'y note pas d'abonnements. Rôles et personnes sont tels qu'ils sont maintenant." }
version     = 1
extract     = "special_communications"

[params.from]
type = "timestamp"
help = { en = "Start of the window, exclusive; the beginning when absent.", fr = "Début de la fenêtre, exclu ; l'origine des temps si absent." }

[params.to]
type = "timestamp"
edge = "last"
help = { en = "End of the window, inclusive; the time of the pull when absent. A day means its last second.", fr = "Fin de la fenêtre, incluse ; l'instant du tirage si absente. Un jour désigne sa dernière seconde." }

[key]
columns = ["source", "id", "userid_to"]

[columns.source]
type = "Utf8"
pii  = "raw"
doc  = { en = "Table of the act: `forum_posts`, `messages`, `message` and `message_read` (messages before Moodle 3.5), `chat_messages`.", fr = "Table de l'acte : `forum_posts`, `messages`, `message` et `message_read` (messages d'avant Moodle 3.5), `chat_messages`." }

[columns.id]
type = "Int64"
pii  = "raw"
doc  = { en = "Row of that table: the post, message or line.", fr = "Ligne de cette table : message de forum, message ou ligne." }

[columns.time]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "When it was written, as Unix time.", fr = "Quand il a été écrit, en temps Unix." }

[columns.section]
type = "Utf8"
pii  = "raw"
doc  = { en = "Kind of communication: `forum`, `message` or `chat`.", fr = "Genre de communication : `forum`, `message` ou `chat`." }

[columns.courseid]
type = "Int64"
pii  = "raw"
doc  = { en = "Course of the forum or chat; null for messages, which belong to none.", fr = "Cours du forum ou du salon ; nul pour les messages, qui n'en ont pas." }

[columns.instance]
type = "Int64"
pii  = "raw"
doc  = { en = "The forum or chat room, in the table of its type; null for messages.", fr = "Le forum ou le salon, dans la table de son type ; nul pour les messages." }

[columns.readdelay]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "Seconds from sending to first reading of a message, -1 when it has not been read; 0 in a chat; null in forums, where Moodle does not say.", fr = "Secondes de l'envoi à la première lecture d'un message, -1 s'il n'a pas été lu ; 0 dans un salon ; nul dans les forums, où Moodle ne le dit pas." }

[columns.userid_from]
type = "Int64"
pii  = "pseudonym"
doc  = { en = "Who wrote.", fr = "Auteur." }

[columns.username_from]
type = "Utf8"
pii  = "pseudonym"
doc  = { en = "Login name of who wrote; null when the account is not loaded.", fr = "Nom de connexion : auteur ; nul si le compte n'est pas chargé." }

[columns.userhost_from]
type = "Utf8"
pii  = "raw"
doc  = { en = "Root address of the home site of who wrote; null when it is not loaded.", fr = "Adresse racine du site d'origine : auteur ; nul si elle n'est pas chargée." }

[columns.allroles_from]
type = "Utf8"
pii  = "raw"
doc  = { en = "Short names of the roles that who wrote holds now in the course or above it, for messages on the site, in the order of the roles, separated by commas; null for none.", fr = "Noms abrégés des rôles tenus maintenant dans le cours ou au-dessus, pour les messages sur le site, dans l'ordre des rôles, séparés par des virgules : auteur ; nul sans rôle." }

[columns.hasdirectroleincourse_from]
type = "Utf8"
pii  = "raw"
doc  = { en = "`yes` when who wrote holds a role in the course itself, else `no`.", fr = "`yes` si un rôle est tenu dans le cours même, sinon `no` : auteur." }

[columns.city_from]
type = "Utf8"
pii  = "raw"
doc  = { en = "Town of who wrote; `N.C.` for none.", fr = "Ville de la personne : auteur ; `N.C.` sans ville." }

[columns.country_from]
type = "Utf8"
pii  = "raw"
doc  = { en = "Country of who wrote, two letters (ISO 3166); `N.C.` for none.", fr = "Pays de la personne : auteur, deux lettres (ISO 3166) ; `N.C.` sans pays." }

[columns.department_from]
type = "Utf8"
pii  = "raw"
doc  = { en = "Department of who wrote; `N.C.` for none.", fr = "Service de la personne : auteur ; `N.C.` sans service." }

[columns.institution_from]
type = "Utf8"
pii  = "raw"
doc  = { en = "Institution of who wrote; `N.C.` for none.", fr = "Institution de la personne : auteur ; `N.C.` sans institution." }

[columns.lang_from]
type = "Utf8"
pii  = "raw"
doc  = { en = "Language of the interface of who wrote; `N.C.` for none.", fr = "Langue de l'interface de la personne : auteur ; `N.C.` sans langue." }

[columns.userid_to]
type = "Int64"
pii  = "pseudonym"
doc  = { en = "Who is reached.", fr = "Destinataire." }

[columns.username_to]
type = "Utf8"
pii  = "pseudonym"
doc  = { en = "Login name of who is reached; null when the account is not loaded.", fr = "Nom de connexion : destinataire ; nul si le compte n'est pas chargé." }

[columns.userhost_to]
type = "Utf8"
pii  = "raw"
doc  = { en = "Root address of the home site of who is reached; null when it is not loaded.", fr = "Adresse racine du site d'origine : destinataire ; nul si elle n'est pas chargée." }

[columns.allroles_to]
type = "Utf8"
pii  = "raw"
doc  = { en = "Short names of the roles that who is reached holds now in the course or above it, for messages on the site, in the order of the roles, separated by commas; null for none.", fr = "Noms abrégés des rôles tenus maintenant dans le cours ou au-dessus, pour les messages sur le site, dans l'ordre des rôles, séparés par des virgules : destinataire ; nul sans rôle." }

[columns.hasdirectroleincourse_to]
type = "Utf8"
pii  = "raw"
doc  = { en = "`yes` when who is reached holds a role in the course itself, else `no`.", fr = "`yes` si un rôle est tenu dans le cours même, sinon `no` : destinataire." }

[columns.city_to]
type = "Utf8"
pii  = "raw"
doc  = { en = "Town of who is reached; `N.C.` for none.", fr = "Ville de la personne : destinataire ; `N.C.` sans ville." }

[columns.country_to]
type = "Utf8"
pii  = "raw"
doc  = { en = "Country of who is reached, two letters (ISO 3166); `N.C.` for none.", fr = "Pays de la personne : destinataire, deux lettres (ISO 3166) ; `N.C.` sans pays." }

[columns.department_to]
type = "Utf8"
pii  = "raw"
doc  = { en = "Department of who is reached; `N.C.` for none.", fr = "Service de la personne : destinataire ; `N.C.` sans service." }

[columns.institution_to]
type = "Utf8"
pii  = "raw"
doc  = { en = "Institution of who is reached; `N.C.` for none.", fr = "Institution de la personne : destinataire ; `N.C.` sans institution." }

[columns.lang_to]
type = "Utf8"
pii  = "raw"
doc  = { en = "Language of the interface of who is reached; `N.C.` for none.", fr = "Langue de l'interface de la personne : destinataire ; `N.C.` sans langue." }

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
root = "communicationrecords"
row  = "communicationrecord"
fields = [
    "allroles_from", "allroles_to", "city_from", "city_to", "country_from", "country_to",
    "department_from", "department_to", "from", "hasdirectroleincourse_from",
    "hasdirectroleincourse_to", "host", "id", "instance", "institution_from", "institution_to",
    "lang_from", "lang_to", "readdelay", "section", "time", "to", "userhost_from", "userhost_to",
    "username_from", "username_to",
]
---*/
WITH site AS (
    SELECT max(shortname) AS shortname
    FROM course
    WHERE id = 1
),
first_posts AS (
    SELECT DISTINCT 'forum_posts' AS source, p.id, p.created AS time, 'forum' AS section, d.forum AS instance,
        d.course AS courseid, CAST(NULL AS BIGINT) AS readdelay, p.userid AS userid_from, s.userid AS userid_to
    FROM forum_posts AS p
    JOIN forum_discussions AS d ON d.id = p.discussion
    JOIN forum_subscriptions AS s ON s.forum = d.forum AND s.userid <> p.userid
    WHERE coalesce(p.parent, 0) = 0 AND p.created > coalesce($from, 0) AND p.created <= coalesce($to, $now)
),
replies AS (
    SELECT 'forum_posts' AS source, p.id, p.created AS time, 'forum' AS section, d.forum AS instance,
        d.course AS courseid, CAST(NULL AS BIGINT) AS readdelay, p.userid AS userid_from, answered.userid AS userid_to
    FROM forum_posts AS p
    JOIN forum_discussions AS d ON d.id = p.discussion
    JOIN forum_posts AS answered ON answered.id = p.parent
    WHERE p.created > coalesce($from, 0) AND p.created <= coalesce($to, $now)
),
first_reads AS (
    SELECT messageid, userid, min(timecreated) AS time
    FROM message_user_actions
    WHERE action = 1
    GROUP BY messageid, userid
),
members AS (
    SELECT DISTINCT conversationid, userid
    FROM message_conversation_members
),
new_messages AS (
    SELECT 'messages' AS source, m.id, m.timecreated AS time, 'message' AS section, CAST(NULL AS BIGINT) AS instance,
        CAST(NULL AS BIGINT) AS courseid,
        CASE WHEN first_reads.time IS NULL THEN -1 ELSE greatest(first_reads.time - m.timecreated, 0) END AS readdelay,
        m.useridfrom AS userid_from, members.userid AS userid_to
    FROM messages AS m
    JOIN members ON members.conversationid = m.conversationid AND members.userid <> m.useridfrom
    LEFT JOIN first_reads ON first_reads.messageid = m.id AND first_reads.userid = members.userid
    WHERE m.timecreated > coalesce($from, 0) AND m.timecreated <= coalesce($to, $now)
),
-- Before Moodle 3.5 a message moved from one table to the other when it was read. A sender below 1 is the site.
old_messages AS (
    SELECT 'message' AS source, id, timecreated AS time, 'message' AS section, CAST(NULL AS BIGINT) AS instance,
        CAST(NULL AS BIGINT) AS courseid, -1 AS readdelay, useridfrom AS userid_from, useridto AS userid_to
    FROM message
    WHERE useridfrom > 0 AND coalesce(notification, 0) = 0
        AND timecreated > coalesce($from, 0) AND timecreated <= coalesce($to, $now)
    UNION ALL
    SELECT 'message_read' AS source, id, timecreated AS time, 'message' AS section, CAST(NULL AS BIGINT) AS instance,
        CAST(NULL AS BIGINT) AS courseid,
        CASE WHEN timeread > 0 THEN greatest(timeread - timecreated, 0) ELSE -1 END AS readdelay,
        useridfrom AS userid_from, useridto AS userid_to
    FROM message_read
    WHERE useridfrom > 0 AND coalesce(notification, 0) = 0
        AND timecreated > coalesce($from, 0) AND timecreated <= coalesce($to, $now)
),
-- A person is in a room from an entry to the person's next entry or exit there.
stays AS (
    SELECT chatid, userid, groupid, message, "timestamp" AS opened, id,
        lead("timestamp") OVER (PARTITION BY chatid, userid ORDER BY "timestamp", id) AS closed,
        lead(id) OVER (PARTITION BY chatid, userid ORDER BY "timestamp", id) AS closing
    FROM chat_messages
    WHERE issystem = 1
),
-- Who looks at all groups sees all lines; a line for all groups is seen by everybody.
lines AS (
    SELECT DISTINCT 'chat_messages' AS source, line.id, line."timestamp" AS time, 'chat' AS section,
        line.chatid AS instance, chat.course AS courseid, 0 AS readdelay, line.userid AS userid_from,
        stays.userid AS userid_to
    FROM chat_messages AS line
    JOIN chat ON chat.id = line.chatid
    JOIN stays ON stays.chatid = line.chatid AND stays.userid <> line.userid AND stays.message = 'enter'
        AND (stays.opened < line."timestamp" OR (stays.opened = line."timestamp" AND stays.id < line.id))
        AND (stays.closed IS NULL OR stays.closed > line."timestamp"
            OR (stays.closed = line."timestamp" AND stays.closing > line.id))
        AND (coalesce(stays.groupid, 0) = 0 OR coalesce(line.groupid, 0) = 0 OR stays.groupid = line.groupid)
    WHERE coalesce(line.issystem, 0) = 0 AND line."timestamp" > coalesce($from, 0) AND line."timestamp" <= coalesce($to, $now)
),
acts AS (
    SELECT source, id, time, section, instance, courseid, readdelay, userid_from, userid_to FROM first_posts
    UNION ALL SELECT source, id, time, section, instance, courseid, readdelay, userid_from, userid_to FROM replies
    UNION ALL SELECT source, id, time, section, instance, courseid, readdelay, userid_from, userid_to FROM new_messages
    UNION ALL SELECT source, id, time, section, instance, courseid, readdelay, userid_from, userid_to FROM old_messages
    UNION ALL SELECT source, id, time, section, instance, courseid, readdelay, userid_from, userid_to FROM lines
),
-- Roles are those of the course, for messages those of the site.
facts AS (
    SELECT acts.source, acts.id, acts.time, acts.section, acts.instance, acts.courseid, acts.readdelay,
        acts.userid_from, acts.userid_to, co.id AS contextid
    FROM context AS co
    RIGHT JOIN acts
        ON co.contextlevel = CASE WHEN acts.courseid IS NULL THEN 10 ELSE 50 END
        AND co.instanceid = coalesce(acts.courseid, 0)
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
seen AS (
    SELECT userid_from AS userid, contextid FROM facts
    UNION
    SELECT userid_to AS userid, contextid FROM facts
),
seen_roles AS (
    SELECT DISTINCT seen.userid, seen.contextid, r.id, r.shortname, r.sortorder
    FROM seen
    JOIN ancestors ON ancestors.contextid = seen.contextid
    JOIN held ON held.userid = seen.userid AND held.contextid = ancestors.place
    JOIN role AS r ON r.id = held.roleid
),
roles AS (
    SELECT userid, contextid, string_agg(shortname, ',' ORDER BY sortorder, id) AS allroles
    FROM seen_roles
    GROUP BY userid, contextid
),
people AS (
    SELECT u.id, u.username, u.city, u.country, u.department, u.institution, u.lang, hosts.wwwroot
    FROM "user" AS u
    LEFT JOIN mnet_host AS hosts ON hosts.id = CASE WHEN coalesce(u.mnethostid, 0) = 0 THEN 1 ELSE u.mnethostid END
)
SELECT
    f.source, f.id, f.time, f.section, f.courseid, f.instance, f.readdelay,
    f.userid_from, sender.username AS username_from, sender.wwwroot AS userhost_from, sender_roles.allroles AS allroles_from,
    CASE WHEN sender_direct.userid IS NULL THEN 'no' ELSE 'yes' END AS hasdirectroleincourse_from,
    coalesce(nullif(sender.city, ''), 'N.C.') AS city_from,
    coalesce(nullif(sender.country, ''), 'N.C.') AS country_from,
    coalesce(nullif(sender.department, ''), 'N.C.') AS department_from,
    coalesce(nullif(sender.institution, ''), 'N.C.') AS institution_from,
    coalesce(nullif(sender.lang, ''), 'N.C.') AS lang_from,
    f.userid_to, receiver.username AS username_to, receiver.wwwroot AS userhost_to, receiver_roles.allroles AS allroles_to,
    CASE WHEN receiver_direct.userid IS NULL THEN 'no' ELSE 'yes' END AS hasdirectroleincourse_to,
    coalesce(nullif(receiver.city, ''), 'N.C.') AS city_to,
    coalesce(nullif(receiver.country, ''), 'N.C.') AS country_to,
    coalesce(nullif(receiver.department, ''), 'N.C.') AS department_to,
    coalesce(nullif(receiver.institution, ''), 'N.C.') AS institution_to,
    coalesce(nullif(receiver.lang, ''), 'N.C.') AS lang_to,
    site.shortname AS host, coalesce($from, 0) AS "from", coalesce($to, $now) AS "to"
-- The small side of each join comes first: it is held in memory, and the acts stream by.
FROM site
CROSS JOIN (
    people AS receiver RIGHT JOIN (
        people AS sender RIGHT JOIN (
            direct AS receiver_direct RIGHT JOIN (
                direct AS sender_direct RIGHT JOIN (
                    roles AS receiver_roles RIGHT JOIN (
                        roles AS sender_roles RIGHT JOIN facts AS f
                            ON sender_roles.userid = f.userid_from AND sender_roles.contextid = f.contextid
                    ) ON receiver_roles.userid = f.userid_to AND receiver_roles.contextid = f.contextid
                ) ON sender_direct.userid = f.userid_from AND sender_direct.courseid = f.courseid
            ) ON receiver_direct.userid = f.userid_to AND receiver_direct.courseid = f.courseid
        ) ON sender.id = f.userid_from
    ) ON receiver.id = f.userid_to
)
