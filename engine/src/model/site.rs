//! The site: places (contexts), blocks and other sites that it knows.

use super::spec::{ID, Mark, Personal, TableSpec, id, int, long_text, private, text, time, user};

pub(super) static CONTEXT: TableSpec = TableSpec::new(
    "context",
    ID,
    "One place of the site; unique per `contextlevel` and `instanceid`.",
    &[
        id().personal(Personal::ContextId).only(Mark::USER_LEVEL),
        int("contextlevel", "10 system, 30 user, 40 category, 50 course, 70 module, 80 block."),
        user("instanceid", "What it stands for: the number of the user, category, course, module or block.")
            .only(Mark::USER_LEVEL),
        private("path", "Numbers of the contexts from the system to this one, such as `/1/3/24`.")
            .null()
            .only(Mark::USER_LEVEL),
        int("depth", "Level in the tree, from 1."),
        int("locked", "1 when nothing can be changed there."),
    ],
);

pub(super) static BLOCK_INSTANCES: TableSpec = TableSpec::new(
    "block_instances",
    ID,
    "One block on the pages of one place.",
    &[
        id(),
        text("blockname", "Type of the block, such as `html`."),
        int("parentcontextid", "Place that it belongs to, `context.id`."),
        int("showinsubcontexts", "1 when it is shown in the places below as well."),
        int("requiredbytheme", "1 when the appearance of the site needs it."),
        text("pagetypepattern", "Pages on which it is shown, such as `course-view-*`."),
        text("subpagepattern", "Part of the page on which it is shown; null for all.").null(),
        text("defaultregion", "Column of the page, such as `side-pre`."),
        int("defaultweight", "Position in the column."),
        long_text("configdata", "Settings, in PHP's serialised form, base64.").null(),
        time("timecreated", "When it was added."),
        time("timemodified", "When it was last changed."),
    ],
);

pub(super) static MNET_HOST: TableSpec = TableSpec::new(
    "mnet_host",
    ID,
    "One site from which accounts come; number 1 is this site, number 2 stands for all.",
    &[
        id(),
        int("deleted", "1 when the site is no longer used."),
        text("wwwroot", "Root address of the site."),
        text("ip_address", "Network address."),
        text("name", "Name."),
        long_text("public_key", "Certificate."),
        time("public_key_expires", "End of the certificate; 0 for none."),
        int("transport", "Not used any more."),
        int("portno", "Port; 0 for the usual one."),
        time("last_connect_time", "Latest connection; 0 for none."),
        int("last_log_id", "Latest log entry received from it."),
        int("force_theme", "1 when its users see `theme`."),
        text("theme", "Appearance for its users.").null(),
        int("applicationid", "Kind of program, 1 for Moodle."),
        int("sslverification", "Check of its certificate: 0 none, 1 name, 2 name and issuer."),
    ],
);
