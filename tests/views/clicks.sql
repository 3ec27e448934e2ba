/*---
title       = { en = "Clicks", fr = "Clics" }
description = { en = "One row per hit.", fr = "Une ligne par clic." }
version     = 1

[params.from]
type = "timestamp"
help = { en = "Start, exclusive", fr = "Début, exclu" }

[params.course]
type = "int"
min = 1
max = 1000

[params.actions]
type = "text[]"
max_length = 3

[key]
columns = ["userid", "timecreated", "id"]

[columns.id]
type = "Int64"
doc = { en = "Number of the hit", fr = "Numéro du clic" }

[columns.userid]
type = "Int64"
pii = "pseudonym"
doc = { en = "User", fr = "Utilisateur" }

[columns.timecreated]
type = "Int64"
unit = "s"
doc = { en = "Time", fr = "Heure" }

[columns.action]
type = "Utf8"
doc = { en = "Action", fr = "Action" }

[incremental]
table = "logstore_standard_log"
mode = "append"

[time]
column = "timecreated"

[output.xml]
root = "clicks"
row = "click"
---*/
SELECT id, userid, timecreated, action, _commit
FROM logstore_standard_log
WHERE ($from IS NULL OR timecreated > $from)
  AND ($course IS NULL OR courseid = $course)
  AND ($actions IS NULL OR array_has($actions, action))
