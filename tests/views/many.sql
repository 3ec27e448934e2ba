/*---
title       = { en = "Many rows", fr = "Beaucoup de lignes" }
description = { en = "Numbers; the view fails at one of them.", fr = "Des nombres ; la vue échoue à l'un d'eux." }

[params.rows]
type = "int"
default = 1000
min = 0

[params.bad]
type = "int"
default = -1

[columns.n]
type = "Int64"
doc = { en = "Number", fr = "Nombre" }

[columns.text]
type = "Utf8"
doc = { en = "Text", fr = "Texte" }

[columns.quotient]
type = "Int64"
doc = { en = "Quotient", fr = "Quotient" }
---*/
SELECT value AS n, 'row ' || CAST(value AS VARCHAR) AS text, 1 / (value - $bad) AS quotient
FROM generate_series(1, $rows)
