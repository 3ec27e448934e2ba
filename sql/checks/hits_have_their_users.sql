-- Every user of the log, but 0 (not logged in) and -1 (Moodle itself), is in the table of users.
-- A row is a user who is not, with the number of hits.
SELECT l.userid, count(*) AS hits
FROM logstore_standard_log AS l
LEFT JOIN "user" AS u ON u.id = l.userid
WHERE u.id IS NULL AND l.userid > 0
GROUP BY l.userid
ORDER BY l.userid;
