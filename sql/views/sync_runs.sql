/*---
title       = { en = "Command files", fr = "Fichiers de commande" }
description = { en = "One row per command file that was processed: users, courses, enrolments and so on that another system orders to change. A run that goes on has no end yet, and comes again when it has.", fr = "Une ligne par fichier de commande traité : utilisateurs, cours, inscriptions, etc. qu'un autre système fait changer. Un traitement en cours n'a pas encore de fin, et revient quand il l'a." }
version     = 1

[params.from]
type = "timestamp"
help = { en = "Start, exclusive; the beginning when absent.", fr = "Début, exclu ; l'origine des temps si absent." }

[params.to]
type = "timestamp"
edge = "last"
help = { en = "End, inclusive; the time of the pull when absent. A day means its last second.", fr = "Fin, incluse ; l'instant du tirage si absente. Un jour désigne sa dernière seconde." }

[params.tool]
type = "text"
help = { en = "Only files of this kind, such as `users`.", fr = "Seulement les fichiers de ce genre, par exemple `users`." }

[key]
columns = ["run"]

[columns.run]
type = "Int64"
pii  = "raw"
doc  = { en = "Number of the run, from 1.", fr = "Numéro du traitement, à partir de 1." }

[columns.file]
type = "Utf8"
pii  = "raw"
doc  = { en = "Name of the file as it was received.", fr = "Nom du fichier tel qu'il a été reçu." }

[columns.sha256]
type = "Utf8"
pii  = "raw"
doc  = { en = "SHA-256 of the file as it was received, in hexadecimal.", fr = "SHA-256 du fichier tel qu'il a été reçu, en hexadécimal." }

[columns.tool]
type = "Utf8"
pii  = "raw"
doc  = { en = "What the file changes, such as `users` or `enrols`.", fr = "Ce que le fichier change, par exemple `users` ou `enrols`." }

[columns.started]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "When the run started, as Unix time.", fr = "Début du traitement, en temps Unix." }

[columns.finished]
type = "Int64"
unit = "s"
pii  = "raw"
doc  = { en = "When the run ended, as Unix time; null while it goes on.", fr = "Fin du traitement, en temps Unix ; nul tant qu'il dure." }

[columns.simulate]
type = "Int64"
pii  = "raw"
doc  = { en = "1 for a dry run, which changes nothing, else 0.", fr = "1 pour un essai à blanc, qui ne change rien, sinon 0." }

[columns.status]
type = "Utf8"
pii  = "raw"
doc  = { en = "`processed`, or `rejected` when the file as a whole was refused.", fr = "`processed`, ou `rejected` si le fichier entier a été refusé." }

[columns.kind]
type = "Utf8"
pii  = "raw"
doc  = { en = "Why the file was refused, such as `missing_column`; null when it was not.", fr = "Pourquoi le fichier a été refusé, par exemple `missing_column` ; nul s'il ne l'a pas été." }

[columns.field]
type = "Utf8"
pii  = "raw"
doc  = { en = "Column concerned by the refusal; null for none.", fr = "Colonne concernée par le refus ; nul sans colonne." }

[columns.applied]
type = "Int64"
pii  = "raw"
doc  = { en = "Lines that changed something.", fr = "Lignes qui ont changé quelque chose." }

[columns.unchanged]
type = "Int64"
pii  = "raw"
doc  = { en = "Lines that had nothing to change.", fr = "Lignes qui n'avaient rien à changer." }

[columns.error]
type = "Int64"
pii  = "raw"
doc  = { en = "Lines that failed and had no effect.", fr = "Lignes en échec, sans effet." }

[columns.skipped]
type = "Int64"
pii  = "raw"
doc  = { en = "Lines that were not considered.", fr = "Lignes qui n'ont pas été considérées." }

[columns.tryback]
type = "Utf8"
pii  = "raw"
doc  = { en = "Path of the file of failed lines, which can be sent again; null for none.", fr = "Chemin du fichier des lignes en échec, qui peut être renvoyé ; nul sans fichier." }

[columns.archive]
type = "Utf8"
pii  = "raw"
doc  = { en = "Path of the archived file; null for none.", fr = "Chemin du fichier archivé ; nul sans archive." }

[columns.report]
type = "Utf8"
pii  = "raw"
doc  = { en = "Path of the report; null for none.", fr = "Chemin du rapport ; nul sans rapport." }

[columns.warnings]
type = "Utf8"
pii  = "drop"
doc  = { en = "Remarks about the file, as a JSON list; null for none. They may quote the file.", fr = "Remarques sur le fichier, en liste JSON ; nul sans remarque. Elles peuvent citer le fichier." }

[incremental]
table = "sync_runs"
mode  = "append"

[time]
column = "started"
---*/
SELECT
    run, file, sha256, tool, started, finished, simulate, status, kind, field, applied, unchanged, error, skipped,
    tryback, archive, report, warnings,
    _commit
FROM sync_runs
WHERE started > coalesce($from, 0) AND started <= coalesce($to, $now) AND ($tool IS NULL OR tool = $tool)
