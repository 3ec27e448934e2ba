/*---
description = { en = "One row per group of a course: members, those who were there, their time in that course and hits. A person counts once per group.", fr = "Une ligne par groupe d'un cours : membres, présents, leur temps dans ce cours et leurs clics. Une personne compte une fois par groupe." }
---*/
WITH members AS (
    SELECT DISTINCT groupid, userid
    FROM groups_members
),
sizes AS (
    SELECT groupid, count(*) AS members
    FROM members
    GROUP BY groupid
),
times AS (
    SELECT learners.id AS groupid, totals.courseid, count(*) AS users, sum(totals.elapsed) AS coursetotal,
        sum(totals.activitytime) AS activitytime, sum(totals.coursetime) AS coursetime,
        sum(totals.othertime) AS othertime, sum(totals.events) AS hits
    FROM "groups" AS learners
    JOIN members ON members.groupid = learners.id
    JOIN course_time($policy, $from, $to, $site) AS totals
        ON totals.userid = members.userid AND totals.courseid = learners.courseid
    GROUP BY learners.id, totals.courseid
)
SELECT
    times.groupid, learners.idnumber AS groupidnumber, learners.name AS groupname,
    times.courseid, courses.shortname, courses.fullname, sizes.members, times.users,
    times.coursetotal, times.activitytime, times.coursetime, times.othertime, times.hits
FROM times
JOIN sizes ON sizes.groupid = times.groupid
JOIN "groups" AS learners ON learners.id = times.groupid
LEFT JOIN course AS courses ON courses.id = times.courseid
