/*---
description = { en = "Rows of the log that the policy looks at, with their place and time.", fr = "Lignes du journal que la règle regarde, avec leur lieu et leur date." }
---*/
SELECT userid, id, timecreated, to_timestamp_seconds(timecreated) AS time, courseid, module, cmid
FROM laps($policy, $from, $to, $site)
