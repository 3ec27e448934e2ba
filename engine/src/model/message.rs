//! Messages between users, and chat.
//!
//! Since release 3.5 Moodle keeps messages in `messages` with conversations; `message` and `message_read` hold what
//! is older. Chat left the standard packages after release 4.5.

use super::spec::{ColumnSpec, ID, Mark, TableSpec, id, int, long_private, long_text, private, text, time, user};

pub(super) static MESSAGES: TableSpec = TableSpec::new(
    "messages",
    ID,
    "One message in one conversation.",
    &[
        id(),
        user("useridfrom", "Author, `user.id`."),
        int("conversationid", "Conversation, `message_conversations.id`."),
        long_private("subject", "Subject.").null(),
        long_private("fullmessage", "The text, plain.").null(),
        int("fullmessageformat", "Format of the text: 0 Moodle, 1 HTML, 2 plain, 4 Markdown."),
        long_private("fullmessagehtml", "The text in HTML.").null(),
        long_private("smallmessage", "The text in short.").null(),
        time("timecreated", "When it was sent."),
        int("fullmessagetrust", "1 when the text is shown without cleaning."),
        long_private("customdata", "Details for other programs, as JSON.").null(),
    ],
);

pub(super) static MESSAGE_CONVERSATIONS: TableSpec = TableSpec::new(
    "message_conversations",
    ID,
    "One conversation of two or more users.",
    &[
        id(),
        int("type", "1 two users, 2 a group, 3 a user with themselves."),
        private("name", "Name.").null(),
        private("convhash", "Digest of the members, for conversations of two.").null(),
        text("component", "Part of Moodle it belongs to, such as `core_group`.").null(),
        text("itemtype", "What it belongs to, such as `groups`.").null(),
        user("itemid", "Row of what it belongs to.").null().only(Mark::user_table("itemtype")),
        int("contextid", "Where that is, `context.id`.").null(),
        int("enabled", "1 when it can be used."),
        time("timecreated", "When it was opened."),
        time("timemodified", "When it was last changed.").null(),
    ],
);

pub(super) static MESSAGE_CONVERSATION_MEMBERS: TableSpec = TableSpec::new(
    "message_conversation_members",
    ID,
    "One user in one conversation.",
    &[
        id(),
        int("conversationid", "Conversation, `message_conversations.id`."),
        user("userid", "Account, `user.id`."),
        time("timecreated", "When the user joined."),
    ],
);

pub(super) static MESSAGE_USER_ACTIONS: TableSpec = TableSpec::new(
    "message_user_actions",
    ID,
    "One user who has read or deleted one message; unique per `userid`, `messageid` and `action`.",
    &[
        id(),
        user("userid", "Account, `user.id`."),
        int("messageid", "Message, `messages.id`."),
        int("action", "1 read, 2 deleted."),
        time("timecreated", "When it was done."),
    ],
);

pub(super) static MESSAGE: TableSpec = TableSpec::new(
    "message",
    ID,
    "One message or notification that had not been read, up to release 3.4.",
    &[
        id(),
        OLD_FROM,
        OLD_TO,
        OLD_SUBJECT,
        OLD_FULL,
        OLD_FORMAT,
        OLD_HTML,
        OLD_SMALL,
        OLD_NOTIFICATION,
        OLD_URL,
        OLD_URL_NAME,
        OLD_CREATED,
        OLD_FROM_DELETED,
        OLD_TO_DELETED,
        OLD_COMPONENT,
        OLD_EVENT,
        long_private("customdata", "Details for other programs, as JSON.").null(),
    ],
);

pub(super) static MESSAGE_READ: TableSpec = TableSpec::new(
    "message_read",
    ID,
    "One message or notification that had been read, up to release 3.4.",
    &[
        id(),
        OLD_FROM,
        OLD_TO,
        OLD_SUBJECT,
        OLD_FULL,
        OLD_FORMAT,
        OLD_HTML,
        OLD_SMALL,
        OLD_NOTIFICATION,
        OLD_URL,
        OLD_URL_NAME,
        OLD_CREATED,
        time("timeread", "When it was read; 0 for unknown."),
        OLD_FROM_DELETED,
        OLD_TO_DELETED,
        OLD_COMPONENT,
        OLD_EVENT,
    ],
);

// The columns that `message` and `message_read` share.
const OLD_FROM: ColumnSpec = user("useridfrom", "Author, `user.id`; negative for the site itself.");
const OLD_TO: ColumnSpec = user("useridto", "Recipient, `user.id`.");
const OLD_SUBJECT: ColumnSpec = long_private("subject", "Subject.").null();
const OLD_FULL: ColumnSpec = long_private("fullmessage", "The text, plain.").null();
const OLD_FORMAT: ColumnSpec =
    int("fullmessageformat", "Format of the text: 0 Moodle, 1 HTML, 2 plain, 4 Markdown.").null();
const OLD_HTML: ColumnSpec = long_private("fullmessagehtml", "The text in HTML.").null();
const OLD_SMALL: ColumnSpec = long_private("smallmessage", "The text in short.").null();
const OLD_NOTIFICATION: ColumnSpec = int("notification", "1 when it was made by the site.").null();
const OLD_URL: ColumnSpec = long_private("contexturl", "Page that it is about.").null();
const OLD_URL_NAME: ColumnSpec = long_private("contexturlname", "Name of that page.").null();
const OLD_CREATED: ColumnSpec = time("timecreated", "When it was sent.");
const OLD_FROM_DELETED: ColumnSpec = time("timeuserfromdeleted", "When the author deleted it; 0 for never.");
const OLD_TO_DELETED: ColumnSpec = time("timeusertodeleted", "When the recipient deleted it; 0 for never.");
const OLD_COMPONENT: ColumnSpec = text("component", "Part of Moodle that sent it.").null();
const OLD_EVENT: ColumnSpec = text("eventtype", "What it tells, such as `instantmessage`.").null();

pub(super) static CHAT: TableSpec = TableSpec::new(
    "chat",
    ID,
    "One chat room: the settings behind one module of type `chat`.",
    &[
        id(),
        int("course", "Course, `course.id`."),
        text("name", "Name."),
        long_text("intro", "Description."),
        int("introformat", "Format of the description: 0 Moodle, 1 HTML, 2 plain, 4 Markdown."),
        int("keepdays", "Days for which lines are kept; 0 for ever."),
        int("studentlogs", "1 when students can read past sessions."),
        time("chattime", "Next session that is announced."),
        int("schedule", "Repetition: 0 none announced, 1 once, 2 daily, 3 weekly."),
        time("timemodified", "When the room was last changed."),
    ],
);

pub(super) static CHAT_MESSAGES: TableSpec =
    TableSpec::new("chat_messages", ID, "One line written in one chat room, or an entry or exit.", CHAT_LINE);

pub(super) static CHAT_MESSAGES_CURRENT: TableSpec = TableSpec::new(
    "chat_messages_current",
    ID,
    "One recent line of one chat room: a short-lived copy of rows of `chat_messages`.",
    CHAT_LINE,
);

const CHAT_LINE: &[ColumnSpec] = &[
    id(),
    int("chatid", "Room, `chat.id`."),
    user("userid", "Author, `user.id`."),
    int("groupid", "Group, `groups.id`; 0 for everybody."),
    int("issystem", "1 for an entry or exit, 0 for a line written by the user."),
    long_private("message", "The line; `enter` or `exit` when `issystem` is 1."),
    time("timestamp", "When it was written."),
];
