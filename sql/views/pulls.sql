/*---
title       = { en = "Pulls", fr = "Tirages" }
description = { en = "One row per pull of rows from the server, refused and broken ones included: who took what, when, and how it ended. A pull is noted soon after its end, so the newest may be missing.", fr = "Une ligne par tirage de lignes du serveur, y compris refusé ou interrompu : qui a pris quoi, quand, et comment cela s'est terminé. Un tirage est noté peu après sa fin, donc le plus récent peut manquer." }
version     = 1

[params.from]
type = "timestamp"
help = { en = "Start, exclusive; the beginning when absent.", fr = "Début, exclu ; l'origine des temps si absent." }

[params.to]
type = "timestamp"
edge = "last"
help = { en = "End, inclusive; the time of the pull when absent. A day means its last second.", fr = "Fin, incluse ; l'instant du tirage si absente. Un jour désigne sa dernière seconde." }

[params.site]
type = "text"
help = { en = "Only this site.", fr = "Ce site seulement." }

[params.instance]
type = "text"
help = { en = "Only this instance.", fr = "Cette instance seulement." }

[params.outcome]
type = "text"
values = ["complete", "aborted", "failed", "refused"]
help = { en = "Only pulls that ended so.", fr = "Seulement les tirages terminés ainsi." }

[key]
columns = ["id"]

[columns.id]
type = "Int64"
pii  = "raw"
doc  = { en = "Number of the pull, from 1.", fr = "Numéro du tirage, à partir de 1." }

[columns.time]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "When it was asked for, as Unix time.", fr = "Quand il a été demandé, en temps Unix." }

[columns.duration_ms]
type = "Int64"
unit = "ms"
pii  = "raw"
doc  = { en = "From the request to the last byte.", fr = "De la demande au dernier octet." }

[columns.kind]
type = "Utf8"
pii  = "raw"
doc  = { en = "`full`, `incremental`, `replay` (of a batch again), `sample`, `sql` or `report_etl_get`.", fr = "`full`, `incremental`, `replay` (un lot à nouveau), `sample`, `sql` ou `report_etl_get`." }

[columns.site]
type = "Utf8"
pii  = "raw"
doc  = { en = "Site whose rows were asked for.", fr = "Site dont les lignes ont été demandées." }

[columns.instance]
type = "Utf8"
pii  = "raw"
doc  = { en = "Instance that pulled; null for a pull without one.", fr = "Instance qui a tiré ; nul pour un tirage sans instance." }

[columns.view]
type = "Utf8"
pii  = "raw"
doc  = { en = "View that was pulled; null for SQL.", fr = "Vue qui a été tirée ; nul pour du SQL." }

[columns.format]
type = "Utf8"
pii  = "raw"
doc  = { en = "Format of the rows, such as `json` or `parquet`.", fr = "Format des lignes, par exemple `json` ou `parquet`." }

[columns.parameters]
type = "Utf8"
pii  = "drop"
doc  = { en = "Values of the parameters as a JSON object, or the text of the SQL; may name persons.", fr = "Valeurs des paramètres en objet JSON, ou texte du SQL ; peut désigner des personnes." }

[columns.after_commit]
type = "Int64"
pii  = "raw"
doc  = { en = "Of an incremental pull the last commit whose rows it leaves out; null for others.", fr = "D'un tirage incrémental la dernière version dont il exclut les lignes ; nul pour les autres." }

[columns.upto_commit]
type = "Int64"
pii  = "raw"
doc  = { en = "The last commit whose rows it has; null when it came to none.", fr = "La dernière version dont il a les lignes ; nul s'il n'en a atteint aucune." }

[columns.batch]
type = "Utf8"
pii  = "raw"
doc  = { en = "Batch to acknowledge; null for pulls that move no mark.", fr = "Lot à confirmer ; nul pour les tirages qui ne déplacent pas de repère." }

[columns.rows]
type = "Int64"
pii  = "raw"
doc  = { en = "Rows that were sent.", fr = "Lignes envoyées." }

[columns.bytes]
type = "Int64"
unit = "B"
pii  = "raw"
doc  = { en = "Bytes that were made, before compression.", fr = "Octets produits, avant compression." }

[columns.outcome]
type = "Utf8"
pii  = "raw"
doc  = { en = "`complete`, `aborted` (after the first byte), `failed` or `refused`.", fr = "`complete`, `aborted` (après le premier octet), `failed` ou `refused`." }

[columns.status]
type = "Int64"
pii  = "raw"
doc  = { en = "Status of the HTTP answer.", fr = "Statut de la réponse HTTP." }

[columns.error]
type = "Utf8"
pii  = "drop"
doc  = { en = "Why it was not complete; null when it was.", fr = "Pourquoi il n'a pas été complet ; nul s'il l'a été." }

[columns.address]
type = "Utf8"
pii  = "drop"
doc  = { en = "Network address of the caller; null when it is not known.", fr = "Adresse réseau de l'appelant ; nul si elle n'est pas connue." }

[columns.caller]
type = "Utf8"
pii  = "pseudonym"
doc  = { en = "Token of the caller, by its number; null for none.", fr = "Jeton de l'appelant, par son numéro ; nul sans jeton." }

[columns.request]
type = "Utf8"
pii  = "raw"
doc  = { en = "Number of the request in the log of the server; null when it has none.", fr = "Numéro de la requête dans le journal du serveur ; nul si elle n'en a pas." }

[incremental]
table = "assidu.pulls"
mode  = "append"

[time]
column = "time"
---*/
SELECT
    id, time, duration_ms, kind, site, instance, "view", format, parameters, after_commit, upto_commit, batch,
    rows, bytes, outcome, status, error, address, caller, request,
    _commit
FROM assidu.pulls
WHERE time > coalesce($from, 0) AND time <= coalesce($to, $now)
    AND ($site IS NULL OR site = $site)
    AND ($instance IS NULL OR instance = $instance)
    AND ($outcome IS NULL OR outcome = $outcome)
