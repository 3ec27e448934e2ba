/*---
title       = { en = "Lines of command files", fr = "Lignes des fichiers de commande" }
description = { en = "One row per line of each command file that was processed: what was done, or why it was not.", fr = "Une ligne par ligne de chaque fichier de commande traité : ce qui a été fait, ou pourquoi cela ne l'a pas été." }
version     = 1

[params.run]
type = "int"
min = 1
help = { en = "Only this run.", fr = "Ce traitement seulement." }

[params.status]
type = "text"
values = ["applied", "unchanged", "error", "skipped"]
help = { en = "Only lines of this outcome.", fr = "Seulement les lignes de cette issue." }

[key]
columns = ["run", "line"]

[columns.run]
type = "Int64"
pii  = "raw"
doc  = { en = "The run, as in view `sync_runs`.", fr = "Le traitement, comme dans la vue `sync_runs`." }

[columns.line]
type = "Int64"
pii  = "raw"
doc  = { en = "Line of the file, from 1 as an editor counts; for pictures the place of the entry in the archive.", fr = "Ligne du fichier, à partir de 1 comme dans un éditeur ; pour les images la place de l'entrée dans l'archive." }

[columns.entry]
type = "Utf8"
pii  = "drop"
doc  = { en = "Name of the entry in an archive of pictures, which names a person; null for other files.", fr = "Nom de l'entrée dans une archive d'images, qui désigne une personne ; nul pour les autres fichiers." }

[columns.status]
type = "Utf8"
pii  = "raw"
doc  = { en = "`applied`, `unchanged`, `error` or `skipped`.", fr = "`applied`, `unchanged`, `error` ou `skipped`." }

[columns.action]
type = "Utf8"
pii  = "raw"
doc  = { en = "What was done; null when nothing was.", fr = "Ce qui a été fait ; nul si rien ne l'a été." }

[columns.kind]
type = "Utf8"
pii  = "raw"
doc  = { en = "Why, such as `unknown_course` or `no_change`; null when there is nothing to explain.", fr = "Pourquoi, par exemple `unknown_course` ou `no_change` ; nul s'il n'y a rien à expliquer." }

[columns.field]
type = "Utf8"
pii  = "raw"
doc  = { en = "Column concerned; null for none.", fr = "Colonne concernée ; nul sans colonne." }

[columns.value]
type = "Utf8"
pii  = "drop"
doc  = { en = "Value concerned, which may be a name or an address, never a password; null for none.", fr = "Valeur concernée, qui peut être un nom ou une adresse, jamais un mot de passe ; nul sans valeur." }

[columns.entity_table]
type = "Utf8"
pii  = "raw"
doc  = { en = "Table of what the line is about, such as `user`; null when it is not known.", fr = "Table de ce dont parle la ligne, par exemple `user` ; nul si ce n'est pas connu." }

[columns.entity_id]
type = "Int64"
pii  = "pseudonym"
doc  = { en = "Row of `entity_table`, which is a person where that is `user`; null when it is not known.", fr = "Ligne de `entity_table`, une personne si c'est `user` ; nul si elle n'est pas connue." }

[columns.warnings]
type = "Utf8"
pii  = "drop"
doc  = { en = "Remarks about the line, as a JSON list; null for none. They may quote the line.", fr = "Remarques sur la ligne, en liste JSON ; nul sans remarque. Elles peuvent citer la ligne." }

[columns.message]
type = "Utf8"
pii  = "drop"
doc  = { en = "One sentence for people, which may quote the line; programs read `kind` and `field`. Null for none.", fr = "Une phrase pour les personnes, qui peut citer la ligne ; les programmes lisent `kind` et `field`. Nul sans phrase." }

[incremental]
table = "sync_rows"
mode  = "append"
---*/
SELECT
    run, line, entry, status, action, kind, field, value, entity_table, entity_id, warnings, message,
    _commit
FROM sync_rows
WHERE ($run IS NULL OR run = $run) AND ($status IS NULL OR status = $status)
