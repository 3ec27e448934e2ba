-- The figures of session_stats are those of plain window SQL, for every user, at a gap of 1800 seconds.
-- A row is a user for whom they differ.
WITH hits AS (
    SELECT userid, timecreated, id,
        timecreated - lag(timecreated) OVER (PARTITION BY userid ORDER BY timecreated, id) AS gap
    FROM logstore_standard_log
),
laps AS (
    SELECT userid, timecreated,
        sum(CASE WHEN gap > 1800 THEN 1 ELSE 0 END) OVER (PARTITION BY userid ORDER BY timecreated, id) AS session
    FROM hits
),
spans AS (
    SELECT userid, session, count(*) AS events, max(timecreated) - min(timecreated) AS elapsed
    FROM laps
    GROUP BY userid, session
),
totals AS (
    SELECT userid, count(*) AS sessions, sum(events) AS events, sum(elapsed) AS elapsed
    FROM spans
    GROUP BY userid
),
figures AS (
    SELECT userid, session_stats(timecreated, 1800) AS stats
    FROM logstore_standard_log
    GROUP BY userid
)
SELECT coalesce(f.userid, t.userid) AS userid, f.stats, t.sessions, t.events, t.elapsed
FROM figures AS f
FULL JOIN totals AS t ON t.userid = f.userid
WHERE f.userid IS NULL
    OR t.userid IS NULL
    OR f.stats['sessions'] <> t.sessions
    OR f.stats['events'] <> t.events
    OR f.stats['elapsed'] <> t.elapsed
ORDER BY 1;
