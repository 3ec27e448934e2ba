/*---
description = { en = "One row per user and course: total, activity, course-level and other time, hits, accesses, extended time, last week, sessions, score.", fr = "Une ligne par utilisateur et cours : temps total, des activités, du cours, autre, clics, accès, temps étendu, dernière semaine, sessions, note." }
---*/
WITH totals AS (
    SELECT userid, courseid, activitytime, coursetime, othertime, elapsed, events, firstaccess, lastaccess
    FROM course_time($policy, $from, $to, $site)
),
-- Logins (course 0) and the site course (1) belong to no course, but to the time of its learners.
around AS (
    SELECT userid, sum(elapsed) AS elapsed
    FROM totals
    WHERE courseid IN (0, 1)
    GROUP BY userid
),
-- The last seven times 24 hours of the range, computed from their own hits.
week AS (
    SELECT userid, courseid, elapsed
    FROM course_time($policy, $week, $to, $site)
),
crossed AS (
    SELECT userid, elapsed, unnest(courses) AS courseid
    FROM sessions($policy, $from, $to, $site)
),
-- A session counts in every course that it crosses; it is a working session when time was spent in it.
counted AS (
    SELECT userid, courseid, count(*) AS sessions, count(*) FILTER (WHERE elapsed > 0) AS workingsessions
    FROM crossed
    GROUP BY userid, courseid
),
scores AS (
    SELECT items.courseid, grades.userid, max(grades.rawgrade) AS score
    FROM grade_items AS items
    JOIN grade_grades AS grades ON grades.itemid = items.id
    WHERE items.itemtype = 'course'
    GROUP BY items.courseid, grades.userid
)
SELECT
    totals.userid, people.username, people.idnumber, people.firstname, people.lastname, people.email,
    totals.courseid, courses.shortname, courses.fullname,
    totals.elapsed AS coursetotal, totals.activitytime, totals.coursetime, totals.othertime, totals.events AS hits,
    totals.firstaccess, totals.lastaccess,
    to_timestamp_seconds(totals.firstaccess) AS firsttime, to_timestamp_seconds(totals.lastaccess) AS lasttime,
    totals.elapsed + coalesce(around.elapsed, 0) AS extendedtotal,
    coalesce(week.elapsed, 0) AS lastweek,
    coalesce(counted.sessions, 0) AS sessions, coalesce(counted.workingsessions, 0) AS workingsessions,
    scores.score
FROM totals
LEFT JOIN around ON around.userid = totals.userid
LEFT JOIN week ON week.userid = totals.userid AND week.courseid = totals.courseid
LEFT JOIN counted ON counted.userid = totals.userid AND counted.courseid = totals.courseid
LEFT JOIN scores ON scores.userid = totals.userid AND scores.courseid = totals.courseid
LEFT JOIN "user" AS people ON people.id = totals.userid
LEFT JOIN course AS courses ON courses.id = totals.courseid
WHERE totals.courseid > 1
