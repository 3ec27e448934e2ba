/*---
description = { en = "One row per user and activity: measured time, what its SCORM package reported beyond it, the total and its source, hits, accesses.", fr = "Une ligne par utilisateur et activité : temps mesuré, ce que son paquet SCORM a déclaré en plus, total et sa source, clics, accès." }
---*/
WITH measured AS (
    SELECT userid, courseid, module, cmid, section, elapsed, events, firstaccess, lastaccess
    FROM activity_time($policy, $from, $to, $site)
    WHERE cmid IS NOT NULL
),
-- Seconds by attempt and element, of values of the range; a range from 0 on has no lower bound.
reported AS (
    SELECT attempts.userid, attempts.scormid, attempts.id AS attemptid, elements.element,
        sum(scorm_seconds(elements.element, tracked.value)) AS seconds
    FROM scorm_scoes_value AS tracked
    JOIN scorm_attempt AS attempts ON attempts.id = tracked.attemptid
    JOIN scorm_element AS elements ON elements.id = tracked.elementid
    WHERE elements.element IN ('cmi.session_time', 'cmi.core_total_time')
        AND tracked.timemodified <= $to
        AND (tracked.timemodified >= $from OR $from = 0)
    GROUP BY attempts.userid, attempts.scormid, attempts.id, elements.element
),
-- An attempt without any session time has its total time.
attempted AS (
    SELECT userid, scormid, attemptid,
        coalesce(
            sum(seconds) FILTER (WHERE element = 'cmi.session_time'),
            sum(seconds) FILTER (WHERE element = 'cmi.core_total_time')
        ) AS seconds
    FROM reported
    GROUP BY userid, scormid, attemptid
),
packages AS (
    SELECT userid, scormid, sum(seconds) AS seconds
    FROM attempted
    GROUP BY userid, scormid
),
-- Time that is credited beyond what was measured; the measured time stays as it is.
credited AS (
    SELECT measured.userid, measured.courseid, measured.module, measured.cmid, measured.section, measured.elapsed,
        measured.events, measured.firstaccess, measured.lastaccess,
        greatest(coalesce(packages.seconds, 0) - measured.elapsed, 0) AS credited
    FROM measured
    LEFT JOIN course_modules AS activities ON activities.id = measured.cmid
    LEFT JOIN packages
        ON measured.module = 'scorm' AND packages.userid = measured.userid AND packages.scormid = activities.instance
)
SELECT
    credited.userid, people.username, people.idnumber, credited.courseid, courses.shortname,
    credited.cmid, credited.module, credited.section,
    credited.elapsed AS measured, credited.credited, credited.elapsed + credited.credited AS total,
    CASE WHEN credited.credited > 0 THEN 'package' ELSE 'realtime' END AS source,
    credited.events AS hits, credited.firstaccess, credited.lastaccess,
    to_timestamp_seconds(credited.firstaccess) AS firsttime, to_timestamp_seconds(credited.lastaccess) AS lasttime
FROM credited
LEFT JOIN "user" AS people ON people.id = credited.userid
LEFT JOIN course AS courses ON courses.id = credited.courseid
