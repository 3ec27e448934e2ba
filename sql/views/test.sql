/*---
title       = { en = "Connection test", fr = "Test de connexion" }
description = { en = "One row that says that the connection works. It reads no table, so a client can call it to check its address, its token and its instance before it pulls anything.", fr = "Une ligne qui dit que la connexion fonctionne. Elle ne lit aucune table : un client peut l'appeler pour vérifier son adresse, son jeton et son instance avant de tirer quoi que ce soit." }
version     = 1
extract     = "special_test"

[key]
columns = ["status"]

[columns.status]
type = "Utf8"
pii  = "raw"
doc  = { en = "Always `success`.", fr = "Toujours `success`." }

[columns.time]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "Clock of the server at the call, as Unix time.", fr = "Horloge du serveur à l'appel, en temps Unix." }

[columns.version]
type = "Utf8"
pii  = "raw"
doc  = { en = "Release of the report plugin `etl` whose extracts are answered here.", fr = "Version du greffon de rapport `etl` dont les extractions sont servies ici." }

[output.xml]
root = "connection"

[limits]
timeout = "10s"
max_rows = 1
---*/
SELECT 'success' AS status, CAST($now AS BIGINT) AS time, '3.7' AS version
