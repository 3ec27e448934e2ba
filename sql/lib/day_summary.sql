/*---
description = { en = "One row per course and local day: learners, time, hits.", fr = "Une ligne par cours et par jour local : apprenants, temps, clics." }
---*/
WITH days AS (
    SELECT courseid, day, count(*) AS users, sum(activitytime) AS activitytime, sum(coursetime) AS coursetime,
        sum(othertime) AS othertime, sum(elapsed) AS coursetotal, sum(events) AS hits
    FROM daily_time($policy, $from, $to, $site)
    GROUP BY courseid, day
)
SELECT
    days.courseid, courses.shortname, courses.fullname, days.day, days.users,
    days.coursetotal, days.activitytime, days.coursetime, days.othertime, days.hits
FROM days
LEFT JOIN course AS courses ON courses.id = days.courseid
