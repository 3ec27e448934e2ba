/*---
title       = { en = "Hits per user", fr = "Clics par utilisateur" }
description = { en = "One row per user.", fr = "Une ligne par utilisateur." }

[key]
columns = ["userid"]

[columns.userid]
type = "Int64"
pii = "pseudonym"
doc = { en = "User", fr = "Utilisateur" }

[columns.hits]
type = "Int64"
doc = { en = "Hits", fr = "Clics" }

[incremental]
table = "logstore_standard_log"
mode = "changed_keys"
columns = { userid = "userid" }
---*/
SELECT userid, count(*) AS hits FROM logstore_standard_log GROUP BY userid
