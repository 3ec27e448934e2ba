/*---
description = { en = "One row per cohort and course: members, those who were there, their time and hits. A person counts once per cohort.", fr = "Une ligne par cohorte et cours : membres, présents, leur temps et leurs clics. Une personne compte une fois par cohorte." }
---*/
WITH members AS (
    SELECT DISTINCT cohortid, userid
    FROM cohort_members
),
sizes AS (
    SELECT cohortid, count(*) AS members
    FROM members
    GROUP BY cohortid
),
times AS (
    SELECT members.cohortid, totals.courseid, count(*) AS users, sum(totals.elapsed) AS coursetotal,
        sum(totals.activitytime) AS activitytime, sum(totals.coursetime) AS coursetime,
        sum(totals.othertime) AS othertime, sum(totals.events) AS hits
    FROM members
    JOIN course_time($policy, $from, $to, $site) AS totals ON totals.userid = members.userid
    WHERE totals.courseid > 1
    GROUP BY members.cohortid, totals.courseid
)
SELECT
    times.cohortid, cohorts.idnumber AS cohortidnumber, cohorts.name AS cohortname,
    times.courseid, courses.shortname, courses.fullname, sizes.members, times.users,
    times.coursetotal, times.activitytime, times.coursetime, times.othertime, times.hits
FROM times
JOIN sizes ON sizes.cohortid = times.cohortid
LEFT JOIN cohort AS cohorts ON cohorts.id = times.cohortid
LEFT JOIN course AS courses ON courses.id = times.courseid
