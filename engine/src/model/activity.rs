//! The tables behind the types of module that come with Moodle, as far as they are alike: a module's name stands there.
//!
//! The settings of each type are not listed; an export that has them keeps them, with inferred types. `forum` and
//! `chat` are with what is written in them.

use super::spec::{ColumnSpec, ID, TableSpec, id, int, long_text, text, time};

macro_rules! activities {
    ($($constant:ident: $name:literal, $doc:literal;)*) => {
        $(pub(super) static $constant: TableSpec = TableSpec::new($name, ID, $doc, COLUMNS);)*
    };
}

activities! {
    ASSIGN: "assign", "One assignment: the settings behind one module of type `assign`.";
    BIGBLUEBUTTONBN: "bigbluebuttonbn", "One virtual classroom: the settings behind one module of type `bigbluebuttonbn`.";
    BOOK: "book", "One book: the settings behind one module of type `book`.";
    CHOICE: "choice", "One choice: the settings behind one module of type `choice`.";
    DATA: "data", "One database: the settings behind one module of type `data`.";
    FEEDBACK: "feedback", "One feedback form: the settings behind one module of type `feedback`.";
    FOLDER: "folder", "One folder: the settings behind one module of type `folder`.";
    GLOSSARY: "glossary", "One glossary: the settings behind one module of type `glossary`.";
    H5PACTIVITY: "h5pactivity", "One H5P activity: the settings behind one module of type `h5pactivity`.";
    IMSCP: "imscp", "One IMS content package: the settings behind one module of type `imscp`.";
    LABEL: "label", "One text on the course page: the settings behind one module of type `label`.";
    LESSON: "lesson", "One lesson: the settings behind one module of type `lesson`.";
    LTI: "lti", "One external tool: the settings behind one module of type `lti`.";
    PAGE: "page", "One page: the settings behind one module of type `page`.";
    QBANK: "qbank", "One question bank: the settings behind one module of type `qbank`.";
    QUIZ: "quiz", "One quiz: the settings behind one module of type `quiz`.";
    RESOURCE: "resource", "One file: the settings behind one module of type `resource`.";
    SCORM: "scorm", "One SCORM package: the settings behind one module of type `scorm`.";
    SUBSECTION: "subsection", "One section within a section: the settings behind one module of type `subsection`.";
    SURVEY: "survey", "One survey: the settings behind one module of type `survey`.";
    URL: "url", "One link: the settings behind one module of type `url`.";
    WIKI: "wiki", "One wiki: the settings behind one module of type `wiki`.";
    WORKSHOP: "workshop", "One workshop: the settings behind one module of type `workshop`.";
}

const COLUMNS: &[ColumnSpec] = &[
    id(),
    int("course", "Course, `course.id`."),
    text("name", "Name."),
    long_text("intro", "Description.").null(),
    int("introformat", "Format of the description: 0 Moodle, 1 HTML, 2 plain, 4 Markdown.").null(),
    time("timemodified", "When the settings were last changed.").null(),
];
