//! [`ROUTES`]: what every route is for. The OpenAPI document, the page for people, the manual and the labels of the
//! metrics are made from it.

/// Who a route is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    /// Our own interface.
    Native,
    /// Clients that were written for Moodle.
    Moodle,
    /// Those who run the server.
    Operator,
}

/// What a caller needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing.
    Nothing,
    /// A token with this scope.
    Scope(&'static str),
    /// A token as the parameter `wstoken`.
    WsToken,
    /// A name and a password.
    Password,
}

/// A parameter of a route.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ParameterDoc {
    /// Its name.
    pub(crate) name: &'static str,
    /// Whether it is a part of the path.
    pub(crate) in_path: bool,
    /// What it is, in English and in French.
    pub(crate) doc: [&'static str; 2],
}

/// A route.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route {
    /// Pattern of the path.
    pub(crate) path: &'static str,
    /// Method.
    pub(crate) method: &'static str,
    /// Who it is for.
    pub(crate) group: Group,
    /// What it needs.
    pub(crate) needs: Needs,
    /// What it does, in English and in French.
    pub(crate) doc: [&'static str; 2],
    /// Its parameters.
    pub(crate) parameters: &'static [ParameterDoc],
    /// Content type of the answer.
    pub(crate) answer: &'static str,
}

const fn in_path(name: &'static str, en: &'static str, fr: &'static str) -> ParameterDoc {
    ParameterDoc { name, in_path: true, doc: [en, fr] }
}

const fn in_query(name: &'static str, en: &'static str, fr: &'static str) -> ParameterDoc {
    ParameterDoc { name, in_path: false, doc: [en, fr] }
}

const USER: ParameterDoc = in_path("id", "The user, as `by` names them.", "L'utilisateur, tel que `by` le nomme.");
const COURSE: ParameterDoc = in_path("id", "The course, as `by` names it.", "Le cours, tel que `by` le nomme.");
const BY_USER: ParameterDoc = in_query(
    "by",
    "What names the user: id (default), username, idnumber, email.",
    "Ce qui nomme l'utilisateur : id (par défaut), username, idnumber, email.",
);
const BY_COURSE: ParameterDoc = in_query(
    "by",
    "What names the course: id (default), shortname, idnumber.",
    "Ce qui nomme le cours : id (par défaut), shortname, idnumber.",
);
const FROM: ParameterDoc = in_query(
    "from",
    "Start of the range: Unix seconds, a date, or RFC 3339 (default: the first hit).",
    "Début de la période : secondes Unix, une date, ou RFC 3339 (par défaut : le premier clic).",
);
const TO: ParameterDoc = in_query(
    "to",
    "End of the range; of a date the last second (default: now).",
    "Fin de la période ; d'une date, la dernière seconde (par défaut : maintenant).",
);
const POLICY: ParameterDoc = in_query(
    "policy",
    "What counts as time spent, with changes behind commas (default: that of the server).",
    "Ce qui compte comme temps passé, avec des changements derrière des virgules (par défaut : celle du serveur).",
);
const POLICIES: ParameterDoc = in_query(
    "policy",
    "What counts as time spent; several are separated by `|`.",
    "Ce qui compte comme temps passé ; plusieurs sont séparées par `|`.",
);
const ZONE: ParameterDoc = in_query(
    "timezone",
    "Time zone of dates and days (default: that of the server).",
    "Fuseau horaire des dates et des jours (par défaut : celui du serveur).",
);
const SITE: ParameterDoc = in_query(
    "site",
    "Site of the store (default: home of the token).",
    "Site du magasin (par défaut : celui du jeton).",
);
const AT: ParameterDoc = in_query(
    "at",
    "Number of a commit, to ask an earlier state (default: the newest).",
    "Numéro d'une validation, pour interroger un état antérieur (par défaut : la plus récente).",
);
const FUNCTION: ParameterDoc = in_query("wsfunction", "Name of the function.", "Nom de la fonction.");
const FORMAT: ParameterDoc =
    in_query("moodlewsrestformat", "`json`; anything else gives XML.", "`json` ; toute autre valeur donne du XML.");
const WSTOKEN: ParameterDoc = in_query("wstoken", "The token.", "Le jeton.");

const INSTANCE: ParameterDoc = in_query(
    "instance",
    "The instance, where the token speaks for several.",
    "L'instance, si le jeton parle pour plusieurs.",
);
const INSTANCE_PATH: ParameterDoc = in_path("instance", "Name of the instance.", "Nom de l'instance.");
const VIEW: ParameterDoc = in_path("view", "Name of the view.", "Nom de la vue.");
const VIEW_SUFFIX: ParameterDoc = in_path(
    "view",
    "Name of the view, with or without a format behind it: `actions.csv`.",
    "Nom de la vue, avec ou sans format derrière : `actions.csv`.",
);
const DATA: ParameterDoc =
    in_path("data", "`data`, or with a format: `data.csv`.", "`data`, ou avec un format : `data.csv`.");
const BATCH_PATH: ParameterDoc = in_path(
    "batch",
    "Name of the batch, with or without a format behind it.",
    "Nom du lot, avec ou sans format derrière.",
);
const DATA_FORMAT: ParameterDoc = in_query(
    "format",
    "json, ndjson, xml, csv, parquet or arrow (default: by `Accept`, else json).",
    "json, ndjson, xml, csv, parquet ou arrow (par défaut : selon `Accept`, sinon json).",
);
const SHAPE: ParameterDoc = in_query(
    "shape",
    "Of JSON: rows (default), full (with columns and an end mark), columns.",
    "Du JSON : rows (par défaut), full (avec colonnes et marque de fin), columns.",
);
const FOOTER: ParameterDoc = in_query(
    "footer",
    "1 for a last line of NDJSON that says that it is complete.",
    "1 pour une dernière ligne de NDJSON qui dit qu'il est complet.",
);
const LIMIT: ParameterDoc = in_query("limit", "Rows of a page.", "Lignes d'une page.");
const CURSOR: ParameterDoc =
    in_query("cursor", "`next_cursor` of the page before.", "`next_cursor` de la page précédente.");
const SAMPLE: ParameterDoc = in_query(
    "testmode",
    "`test` for at most 30 rows; no mark moves.",
    "`test` pour 30 lignes au plus ; aucune marque ne bouge.",
);
const BATCH: ParameterDoc = in_query("batch", "The batch that the consumer has.", "Le lot que le consommateur a.");
const DATA_ANSWER: &str = "application/json, application/x-ndjson, application/xml, text/csv, application/vnd.apache.parquet, application/vnd.apache.arrow.stream";
const PULL: &str = "etl:INSTANCE";

const REST: [&str; 2] = [
    "Calls a function of the web service; its arguments are parameters too. By any method; in a POST form the values of the form win.",
    "Appelle une fonction du service web ; ses arguments sont aussi des paramètres. Par toute méthode ; dans un formulaire POST, ses valeurs l'emportent.",
];

const JSON: &str = "application/json";

const fn native(
    method: &'static str,
    path: &'static str,
    scope: &'static str,
    doc: [&'static str; 2],
    parameters: &'static [ParameterDoc],
    answer: &'static str,
) -> Route {
    Route { path, method, group: Group::Native, needs: Needs::Scope(scope), doc, parameters, answer }
}

/// All routes.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        path: "/v1/stats/users/{id}",
        method: "get",
        group: Group::Native,
        needs: Needs::Scope("statistics"),
        doc: ["Time spent of a user, in all courses.", "Temps passé d'un utilisateur, dans tous les cours."],
        parameters: &[USER, BY_USER, FROM, TO, POLICY, ZONE, SITE, AT],
        answer: JSON,
    },
    Route {
        path: "/v1/stats/courses/{id}",
        method: "get",
        group: Group::Native,
        needs: Needs::Scope("statistics"),
        doc: [
            "Time spent in a course, of all its users, with the sessions that touch it.",
            "Temps passé dans un cours, de tous ses utilisateurs, avec les sessions qui le touchent.",
        ],
        parameters: &[COURSE, BY_COURSE, FROM, TO, POLICY, ZONE, SITE, AT],
        answer: JSON,
    },
    Route {
        path: "/v1/explain/users/{id}",
        method: "get",
        group: Group::Native,
        needs: Needs::Scope("statistics"),
        doc: [
            "The sessions and laps behind a total: every row that counts, and why.",
            "Les sessions et écarts derrière un total : chaque ligne qui compte, et pourquoi.",
        ],
        parameters: &[
            USER,
            BY_USER,
            in_query(
                "course",
                "Only this course, as `course_by` names it.",
                "Ce cours seul, tel que `course_by` le nomme.",
            ),
            in_query(
                "course_by",
                "What names the course: id (default), shortname, idnumber.",
                "Ce qui nomme le cours : id (par défaut), shortname, idnumber.",
            ),
            in_query("laps", "0 for sessions without their laps.", "0 pour les sessions sans leurs écarts."),
            FROM,
            TO,
            POLICIES,
            ZONE,
            SITE,
            AT,
        ],
        answer: JSON,
    },
    native(
        "get",
        "/v1/views",
        "etl:INSTANCE, etl or sql",
        [
            "The views that the token may pull, with parameters and columns.",
            "Les vues que le jeton peut tirer, avec paramètres et colonnes.",
        ],
        &[INSTANCE],
        JSON,
    ),
    native("get", "/v1/views/{view}", "etl:INSTANCE, etl or sql", ["One view.", "Une vue."], &[VIEW, INSTANCE], JSON),
    native(
        "get",
        "/v1/views/{view}/{data}",
        "etl:INSTANCE, etl or sql",
        [
            "All rows of a view, or a page; its parameters are parameters too.",
            "Toutes les lignes d'une vue, ou une page ; ses paramètres sont aussi des paramètres.",
        ],
        &[VIEW, DATA, INSTANCE, DATA_FORMAT, SHAPE, FOOTER, LIMIT, CURSOR, AT, SAMPLE],
        DATA_ANSWER,
    ),
    native(
        "post",
        "/v1/views/{view}/{data}",
        "etl:INSTANCE, etl or sql",
        ["The same, with the parameters as a JSON object.", "De même, avec les paramètres dans un objet JSON."],
        &[VIEW, DATA],
        DATA_ANSWER,
    ),
    native(
        "get",
        "/v1/instances",
        PULL,
        [
            "The instances that the token speaks for, with their marks.",
            "Les instances pour lesquelles le jeton parle, avec leurs marques.",
        ],
        &[],
        JSON,
    ),
    native(
        "get",
        "/v1/instances/{instance}/{view}",
        PULL,
        [
            "The rows that were committed since the mark; the same until they are acknowledged.",
            "Les lignes validées depuis la marque ; les mêmes jusqu'à leur acquittement.",
        ],
        &[INSTANCE_PATH, VIEW_SUFFIX, DATA_FORMAT, SHAPE, FOOTER, SAMPLE],
        DATA_ANSWER,
    ),
    native(
        "post",
        "/v1/instances/{instance}/{view}/ack",
        PULL,
        [
            "Acknowledges a batch; a repeated call answers the same.",
            "Acquitte un lot ; un appel répété répond de même.",
        ],
        &[INSTANCE_PATH, VIEW, BATCH],
        JSON,
    ),
    native(
        "get",
        "/v1/instances/{instance}/{view}/batches",
        PULL,
        [
            "The mark, the open batch, and those that can be replayed.",
            "La marque, le lot ouvert, et ceux qui peuvent être rejoués.",
        ],
        &[INSTANCE_PATH, VIEW],
        JSON,
    ),
    native(
        "get",
        "/v1/instances/{instance}/{view}/batches/{batch}",
        PULL,
        ["A batch again, as it was.", "Un lot à nouveau, tel qu'il était."],
        &[INSTANCE_PATH, VIEW, BATCH_PATH, DATA_FORMAT, SHAPE, FOOTER],
        DATA_ANSWER,
    ),
    native(
        "post",
        "/v1/sql",
        "sql",
        [
            "One SELECT of an analyst: `sql`, `params`, `site`, `at` and `format` in a JSON object.",
            "Un SELECT d'analyste : `sql`, `params`, `site`, `at` et `format` dans un objet JSON.",
        ],
        &[DATA_FORMAT, SHAPE, FOOTER, SITE, AT],
        DATA_ANSWER,
    ),
    native(
        "get",
        "/v1/catalog",
        "sql",
        ["Tables with their columns, and functions.", "Les tables avec leurs colonnes, et les fonctions."],
        &[SITE],
        JSON,
    ),
    native("get", "/v1/admin/instances", "admin", ["All instances.", "Toutes les instances."], &[], JSON),
    native(
        "post",
        "/v1/admin/instances",
        "admin",
        [
            "Creates an instance: `name` and its settings in a JSON object.",
            "Crée une instance : `name` et ses réglages dans un objet JSON.",
        ],
        &[],
        JSON,
    ),
    native(
        "get",
        "/v1/admin/instances/{instance}",
        "admin",
        ["One instance.", "Une instance."],
        &[INSTANCE_PATH],
        JSON,
    ),
    native(
        "patch",
        "/v1/admin/instances/{instance}",
        "admin",
        [
            "Changes the settings that are given; null goes back to the default.",
            "Modifie les réglages donnés ; null rétablit le défaut.",
        ],
        &[INSTANCE_PATH],
        JSON,
    ),
    native(
        "delete",
        "/v1/admin/instances/{instance}",
        "admin",
        ["Deletes an instance with its marks.", "Supprime une instance avec ses marques."],
        &[INSTANCE_PATH],
        JSON,
    ),
    native(
        "post",
        "/v1/admin/instances/{instance}/pause",
        "admin",
        ["Lets the instance pull no more: `reason`.", "Suspend l'instance : `reason`."],
        &[INSTANCE_PATH],
        JSON,
    ),
    native(
        "post",
        "/v1/admin/instances/{instance}/resume",
        "admin",
        ["Lets it pull again.", "La laisse tirer de nouveau."],
        &[INSTANCE_PATH],
        JSON,
    ),
    native(
        "post",
        "/v1/admin/instances/{instance}/reset",
        "admin",
        [
            "Sets the mark of a view: `view`, `reason`, and `to` (a commit; 0 by default).",
            "Place la marque d'une vue : `view`, `reason`, et `to` (une validation ; 0 par défaut).",
        ],
        &[INSTANCE_PATH],
        JSON,
    ),
    native(
        "get",
        "/v1/admin/instances/{instance}/history",
        "admin",
        ["Marks, batches and resets of all its views.", "Marques, lots et réinitialisations de toutes ses vues."],
        &[INSTANCE_PATH],
        JSON,
    ),
    native(
        "get",
        "/v1/admin/instances/{instance}/tokens",
        "admin",
        ["Tokens of the instance, without their secrets.", "Jetons de l'instance, sans leurs secrets."],
        &[INSTANCE_PATH],
        JSON,
    ),
    native(
        "post",
        "/v1/admin/instances/{instance}/tokens",
        "admin",
        [
            "Makes a token: `label`, `expires`, `addresses`; its secret is in this answer alone.",
            "Crée un jeton : `label`, `expires`, `addresses` ; son secret n'est que dans cette réponse.",
        ],
        &[INSTANCE_PATH],
        JSON,
    ),
    native(
        "delete",
        "/v1/admin/instances/{instance}/tokens/{token}",
        "admin",
        ["Revokes a token of the instance.", "Révoque un jeton de l'instance."],
        &[INSTANCE_PATH, in_path("token", "Number of the token.", "Numéro du jeton.")],
        JSON,
    ),
    native(
        "post",
        "/v1/admin/views/reload",
        "admin",
        [
            "Looks at the files of views now; tells what is wrong with them.",
            "Relit les fichiers de vues maintenant ; dit ce qui n'y va pas.",
        ],
        &[],
        JSON,
    ),
    Route {
        path: "/webservice/rest/server.php",
        method: "get",
        group: Group::Moodle,
        needs: Needs::WsToken,
        doc: REST,
        parameters: &[WSTOKEN, FUNCTION, FORMAT],
        answer: "application/json, application/xml",
    },
    Route {
        path: "/webservice/rest/server.php/{*rest}",
        method: "get",
        group: Group::Moodle,
        needs: Needs::WsToken,
        doc: ["The same: what follows the name is ignored.", "Idem : ce qui suit le nom est ignoré."],
        parameters: &[WSTOKEN, FUNCTION, FORMAT],
        answer: "application/json, application/xml",
    },
    Route {
        path: "/service/rest/server.php",
        method: "get",
        group: Group::Moodle,
        needs: Needs::WsToken,
        doc: ["Another name of the same.", "Un autre nom de la même route."],
        parameters: &[WSTOKEN, FUNCTION, FORMAT],
        answer: "application/json, application/xml",
    },
    Route {
        path: "/service/rest/server.php/{*rest}",
        method: "get",
        group: Group::Moodle,
        needs: Needs::WsToken,
        doc: ["The same: what follows the name is ignored.", "Idem : ce qui suit le nom est ignoré."],
        parameters: &[WSTOKEN, FUNCTION, FORMAT],
        answer: "application/json, application/xml",
    },
    Route {
        path: "/webservice/xmlrpc/server.php",
        method: "post",
        group: Group::Moodle,
        needs: Needs::WsToken,
        doc: [
            "Calls a function by XML-RPC, if the operator switched it on; arguments are positional.",
            "Appelle une fonction par XML-RPC, si l'exploitant l'a activé ; les arguments sont positionnels.",
        ],
        parameters: &[WSTOKEN],
        answer: "text/xml",
    },
    Route {
        path: "/login/token.php",
        method: "post",
        group: Group::Moodle,
        needs: Needs::Password,
        doc: ["A token for a user name and a password.", "Un jeton pour un nom d'utilisateur et un mot de passe."],
        parameters: &[
            in_query("username", "User name.", "Nom d'utilisateur."),
            in_query("password", "Password.", "Mot de passe."),
            in_query("service", "Short name of the service.", "Nom abrégé du service."),
        ],
        answer: JSON,
    },
    Route {
        path: "/lib/ajax/service.php",
        method: "post",
        group: Group::Moodle,
        needs: Needs::Nothing,
        doc: [
            "What clients ask before they log in: `tool_mobile_get_public_config`.",
            "Ce que des clients demandent avant de se connecter : `tool_mobile_get_public_config`.",
        ],
        parameters: &[],
        answer: JSON,
    },
    Route {
        path: "/live",
        method: "get",
        group: Group::Operator,
        needs: Needs::Nothing,
        doc: ["The process answers.", "Le processus répond."],
        parameters: &[],
        answer: "text/plain",
    },
    Route {
        path: "/ready",
        method: "get",
        group: Group::Operator,
        needs: Needs::Nothing,
        doc: [
            "The server takes work; 503 while it drains or cannot reach its store.",
            "Le serveur accepte du travail ; 503 tant qu'il s'arrête ou n'atteint pas son magasin.",
        ],
        parameters: &[],
        answer: JSON,
    },
    Route {
        path: "/metrics",
        method: "get",
        group: Group::Operator,
        needs: Needs::Scope("admin"),
        doc: [
            "Counters for Prometheus; without a token from the addresses of `server.metrics_from`.",
            "Compteurs pour Prometheus ; sans jeton depuis les adresses de `server.metrics_from`.",
        ],
        parameters: &[],
        answer: "application/openmetrics-text",
    },
    Route {
        path: "/openapi.json",
        method: "get",
        group: Group::Operator,
        needs: Needs::Nothing,
        doc: ["This description for programs.", "Cette description pour les programmes."],
        parameters: &[],
        answer: JSON,
    },
    Route {
        path: "/docs",
        method: "get",
        group: Group::Operator,
        needs: Needs::Nothing,
        doc: ["This description for people.", "Cette description pour les personnes."],
        parameters: &[],
        answer: "text/html",
    },
];
