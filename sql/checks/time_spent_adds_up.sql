-- Time per user and course is that of plain window SQL, under the corrected rule of use_stats without captured modules.
-- A row is a user and a course for whom they differ.
WITH filled AS (
    SELECT count(origin) AS origins, count(courseid) AS courses
    FROM logstore_standard_log
),
-- A column that holds nothing decides nothing.
selected AS (
    SELECT userid, coalesce(courseid, 0) AS courseid, timecreated, id, action, target,
        row_number() OVER (PARTITION BY userid ORDER BY timecreated, id) AS place
    FROM logstore_standard_log
    CROSS JOIN filled
    WHERE timecreated >= 0
        AND (origin <> 'cli' OR origins = 0)
        AND (action IS NULL OR action <> 'failed')
        AND realuserid IS NULL
        AND (courses = 0 OR courseid <> 0 OR (courseid = 0 AND action IN ('loggedin', 'loggedout', 'login', 'logout')))
),
-- Somebody graded the user: no row of the track, unless it begins the track.
track AS (
    SELECT userid, courseid, action,
        lead(timecreated) OVER (PARTITION BY userid ORDER BY timecreated, id) - timecreated AS gap
    FROM selected
    WHERE place = 1 OR action IS NULL OR target IS NULL OR action <> 'graded' OR target <> 'user'
),
-- The lap of a logout is lost; a gap over an hour, and the last hit, is worth 15 minutes.
totals AS (
    SELECT userid, courseid, sum(CASE WHEN gap <= 3600 THEN gap ELSE 900 END) AS elapsed, count(*) AS events
    FROM track
    WHERE action IS NULL OR action NOT IN ('loggedout', 'logout')
    GROUP BY userid, courseid
),
figures AS (
    SELECT userid, courseid, elapsed, events
    FROM course_time('use_stats, captured = , ignored = ')
)
SELECT coalesce(f.userid, t.userid) AS userid, coalesce(f.courseid, t.courseid) AS courseid, f.elapsed AS folded,
    t.elapsed AS summed, f.events AS folded_events, t.events AS summed_events
FROM figures AS f
FULL JOIN totals AS t ON t.userid = f.userid AND t.courseid = f.courseid
WHERE f.userid IS NULL
    OR t.userid IS NULL
    OR f.elapsed <> t.elapsed
    OR f.events <> t.events
ORDER BY 1, 2;
