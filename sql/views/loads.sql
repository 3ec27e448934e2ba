/*---
title       = { en = "Files that were loaded", fr = "Fichiers chargés" }
description = { en = "One row per file of each load into the store, of all sites: what it was, and what became of its rows. `rows_read` is the sum of the four counts behind it.", fr = "Une ligne par fichier de chaque chargement dans le magasin, tous sites confondus : ce qu'il était, et ce que ses lignes sont devenues. `rows_read` est la somme des quatre nombres qui le suivent." }
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

[key]
columns = ["load", "file"]

[columns.load]
type = "Int64"
pii  = "raw"
doc  = { en = "Number of the commit of the load: files of one load share it.", fr = "Numéro de version du chargement : les fichiers d'un même chargement le partagent." }

[columns.file]
type = "Utf8"
pii  = "raw"
doc  = { en = "Name of the file as it was given.", fr = "Nom du fichier tel qu'il a été donné." }

[columns.time]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "When it was loaded, as Unix time.", fr = "Quand il a été chargé, en temps Unix." }

[columns.sha256]
type = "Utf8"
pii  = "raw"
doc  = { en = "SHA-256 of the contents in hexadecimal; null when none was taken, as of logs whose rows are known by their numbers.", fr = "SHA-256 du contenu en hexadécimal ; nul s'il n'a pas été calculé, comme pour les journaux dont les lignes sont connues par leur numéro." }

[columns.site]
type = "Utf8"
pii  = "raw"
doc  = { en = "Site that received the rows.", fr = "Site qui a reçu les lignes." }

[columns.table_name]
type = "Utf8"
pii  = "raw"
doc  = { en = "Table that received the rows.", fr = "Table qui a reçu les lignes." }

[columns.format]
type = "Utf8"
pii  = "raw"
doc  = { en = "Format of the file, such as `log` or `table:user`.", fr = "Format du fichier, par exemple `log` ou `table:user`." }

[columns.encoding]
type = "Utf8"
pii  = "raw"
doc  = { en = "Encoding of its text.", fr = "Encodage de son texte." }

[columns.rows_read]
type = "Int64"
pii  = "raw"
doc  = { en = "Rows of the file.", fr = "Lignes du fichier." }

[columns.loaded]
type = "Int64"
pii  = "raw"
doc  = { en = "New rows of the table.", fr = "Lignes nouvelles de la table." }

[columns.replaced]
type = "Int64"
pii  = "raw"
doc  = { en = "Rows that replaced others of the same key.", fr = "Lignes qui en ont remplacé d'autres de même clé." }

[columns.skipped]
type = "Int64"
pii  = "raw"
doc  = { en = "Rows that the table had already, or that the format leaves out by rule.", fr = "Lignes que la table avait déjà, ou que le format écarte par règle." }

[columns.rejected]
type = "Int64"
pii  = "raw"
doc  = { en = "Rows that could not be read.", fr = "Lignes qui n'ont pu être lues." }

[columns.rejects]
type = "Utf8"
pii  = "raw"
doc  = { en = "File of the rejected rows; null for none.", fr = "Fichier des lignes rejetées ; nul s'il n'y en a pas." }

[incremental]
table = "assidu.loads"
mode  = "append"

[time]
column = "time"
---*/
SELECT
    _commit AS load, file, at AS time, sha256, site, table_name, format, encoding,
    rows_read, loaded, replaced, skipped, rejected, rejects,
    _commit
FROM assidu.loads
WHERE at > coalesce($from, 0) AND at <= coalesce($to, $now) AND ($site IS NULL OR site = $site)
