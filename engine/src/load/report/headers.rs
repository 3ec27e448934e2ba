//! The words of the report in each language: names of columns and months, and the events that open and close a session.
//!
//! All of them stand in one text file, `headers.toml`, with one section per language. An operator whose site writes
//! other words adds a file of the same form ([`from_dictionary`]).

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use hashbrown::HashMap;
use serde::Deserialize;

use crate::error::{Error, ErrorKind, Result};
use crate::text;

/// Which columns of a file hold what: indexes into its rows, from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportColumns {
    /// Code of the language whose names matched best, such as `en` or `pt_br`.
    pub language: String,
    /// Local time of the event.
    pub time: usize,
    /// Full name of the user, or `-`.
    pub user: Option<usize>,
    /// Full name of the affected user, or `-`.
    pub affected: Option<usize>,
    /// Name of the context, such as `Course: Algebra`.
    pub context: Option<usize>,
    /// Display name of the component, such as `System` or `File`.
    pub component: Option<usize>,
    /// Display name of the event.
    pub event: Option<usize>,
    /// English sentence that holds the numbers.
    pub description: Option<usize>,
    /// `web`, `cli`, `ws` or `restore`.
    pub origin: Option<usize>,
    /// Address of the client.
    pub ip: Option<usize>,
    /// Name of the course: only in the live log of a whole site.
    pub course: Option<usize>,
    /// Number of the user: not a column of Moodle's, but some sites add it. It is used where the description has none.
    pub userid: Option<usize>,
}

/// What a column of the report holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Role {
    Time,
    User,
    Affected,
    Context,
    Component,
    Event,
    Description,
    Origin,
    Ip,
    Course,
    UserId,
}

/// The events that a dictionary names because sessions depend on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Login {
    In,
    Out,
    Failed,
    InAs,
}

/// Half of a day on a 12-hour clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Half {
    Am,
    Pm,
}

/// Words of the report, ready to be looked up. [`Dictionary::builtin`] is the one of the program.
#[derive(Debug, Clone, Default)]
pub struct Dictionary {
    /// In the order of preference: of two languages that match a header equally well the first is taken.
    languages: Vec<(String, HashMap<String, Role>)>,
    months: HashMap<String, u32>,
    weekdays: HashMap<String, ()>,
    halves: HashMap<String, Half>,
    words: HashMap<String, ()>,
    logins: HashMap<String, Login>,
}

/// One language of the file, as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Section {
    time: Vec<String>,
    user: Vec<String>,
    affected: Vec<String>,
    context: Vec<String>,
    component: Vec<String>,
    event: Vec<String>,
    description: Vec<String>,
    origin: Vec<String>,
    ip: Vec<String>,
    course: Vec<String>,
    userid: Vec<String>,
    months: Vec<Vec<String>>,
    weekdays: Vec<String>,
    am: Vec<String>,
    pm: Vec<String>,
    words: Vec<String>,
    loggedin: Vec<String>,
    loggedout: Vec<String>,
    loginfailed: Vec<String>,
    loggedinas: Vec<String>,
}

static BUILTIN: LazyLock<Arc<Dictionary>> =
    LazyLock::new(|| Arc::new(Dictionary::parse(include_str!("headers.toml")).unwrap_or_default()));

/// Order of the built-in languages; the file is a map and has none.
const PREFERRED: [&str; 9] = ["en", "fr", "de", "es", "pt", "pt_br", "it", "nl", "pl"];

/// Finds the columns of the report in a header, with the built-in words. See [`Dictionary::detect`].
pub fn detect(header: &[&str]) -> Option<ReportColumns> {
    Dictionary::builtin().detect(header)
}

/// The built-in words together with those of an operator's file, which has the form of `headers.toml`:
/// new languages, or more words for a known one. Where both know a word, the operator's meaning counts.
///
/// # Errors
///
/// When the text is not TOML, has an unknown key, does not list twelve months, or gives a month's name two numbers.
pub fn from_dictionary(toml: &str) -> Result<Dictionary> {
    let own = Dictionary::parse(toml)?;
    let mut all = Dictionary::builtin().clone();
    for (language, roles) in own.languages {
        match all.languages.iter_mut().find(|(code, _)| *code == language) {
            Some((_, known)) => known.extend(roles),
            None => all.languages.push((language, roles)),
        }
    }
    all.months.extend(own.months);
    all.weekdays.extend(own.weekdays);
    all.halves.extend(own.halves);
    all.words.extend(own.words);
    all.logins.extend(own.logins);
    Ok(all)
}

impl Dictionary {
    /// The words that come with the program: English, French, German, Spanish, Portuguese (also of Brazil), Italian,
    /// Dutch and Polish.
    pub fn builtin() -> &'static Self {
        &BUILTIN
    }

    /// The same, to be kept.
    pub(super) fn shared() -> Arc<Self> {
        Arc::clone(&BUILTIN)
    }

    /// Finds the columns of the report in a header, in any order, without regard to case, accents, spaces, punctuation
    /// and byte-order mark.
    ///
    /// `None` when the file is something else: it must have a time, a description or a user number, and at least one of
    /// event name, component and context. The language that knows most of the names is taken; a name that it does not
    /// know is looked up in the other languages, because Moodle shows English where a translation is missing. Of two
    /// columns with the same meaning the first counts.
    pub fn detect(&self, header: &[&str]) -> Option<ReportColumns> {
        let names: Vec<String> = header.iter().map(|name| fold(name)).collect();
        let mut best: Option<(&str, &HashMap<String, Role>, usize)> = None;
        for (language, roles) in &self.languages {
            let hits = names.iter().filter(|name| roles.contains_key(*name)).count();
            if best.is_none_or(|(_, _, most)| hits > most) {
                best = Some((language, roles, hits));
            }
        }
        let (language, roles, _) = best?;
        let mut found: HashMap<Role, usize> = HashMap::new();
        for (index, name) in names.iter().enumerate() {
            if let Some(role) = roles.get(name) {
                found.entry(*role).or_insert(index);
            }
        }
        for (index, name) in names.iter().enumerate().filter(|(_, name)| !roles.contains_key(*name)) {
            if let Some(role) = self.languages.iter().find_map(|(_, others)| others.get(name)) {
                found.entry(*role).or_insert(index);
            }
        }
        columns(language, &found)
    }

    /// The languages, in order of preference.
    pub fn languages(&self) -> impl Iterator<Item = &str> {
        self.languages.iter().map(|(language, _)| language.as_str())
    }

    /// Number of the month with this folded name, from 1, in any language.
    pub(super) fn month(&self, folded: &str) -> Option<u32> {
        self.months.get(folded).copied()
    }

    /// Whether a date may start with this folded word.
    pub(super) fn is_weekday(&self, folded: &str) -> bool {
        self.weekdays.contains_key(folded)
    }

    /// The half of the day that this folded word names.
    pub(super) fn half(&self, folded: &str) -> Option<Half> {
        self.halves.get(folded).copied()
    }

    /// Whether this folded word means nothing inside a date.
    pub(super) fn is_filler(&self, folded: &str) -> bool {
        self.words.contains_key(folded)
    }

    /// The session event with this folded name.
    pub(super) fn login(&self, folded: &str) -> Option<Login> {
        self.logins.get(folded).copied()
    }

    fn parse(text: &str) -> Result<Self> {
        let sections: BTreeMap<String, Section> = toml::from_str(text).map_err(|error| {
            invalid(text!("the dictionary of the log report is invalid", "le dictionnaire du journal est invalide"))
                .because(error)
        })?;
        let mut codes: Vec<&String> = sections.keys().collect();
        codes.sort_by_key(|code| PREFERRED.iter().position(|known| known == code).unwrap_or(PREFERRED.len()));
        let mut dictionary = Self::default();
        for code in codes {
            dictionary.add(code, &sections[code])?;
        }
        Ok(dictionary)
    }

    fn add(&mut self, language: &str, section: &Section) -> Result<()> {
        self.languages.push((language.to_owned(), section.roles()));
        if !matches!(section.months.len(), 0 | 12) {
            let n = section.months.len();
            return Err(invalid(text!(
                "`months` of `{language}` has {n} lists, not 12",
                "`months` de `{language}` a {n} listes, pas 12"
            )));
        }
        for (month, names) in (1..).zip(&section.months) {
            for name in names {
                if self.months.insert(fold(name), month).is_some_and(|other| other != month) {
                    return Err(invalid(text!(
                        "the month \"{name}\" of `{language}` has two numbers",
                        "le mois \"{name}\" de `{language}` a deux numéros"
                    )));
                }
            }
        }
        self.weekdays.extend(section.weekdays.iter().map(|name| (fold(name), ())));
        self.words.extend(section.words.iter().map(|name| (fold(name), ())));
        for (names, half) in [(&section.am, Half::Am), (&section.pm, Half::Pm)] {
            self.halves.extend(names.iter().map(|name| (fold(name), half)));
        }
        let logins = [
            (&section.loggedin, Login::In),
            (&section.loggedout, Login::Out),
            (&section.loginfailed, Login::Failed),
            (&section.loggedinas, Login::InAs),
        ];
        for (names, login) in logins {
            self.logins.extend(names.iter().map(|name| (fold(name), login)));
        }
        Ok(())
    }
}

impl Section {
    fn roles(&self) -> HashMap<String, Role> {
        let lists = [
            (&self.time, Role::Time),
            (&self.user, Role::User),
            (&self.affected, Role::Affected),
            (&self.context, Role::Context),
            (&self.component, Role::Component),
            (&self.event, Role::Event),
            (&self.description, Role::Description),
            (&self.origin, Role::Origin),
            (&self.ip, Role::Ip),
            (&self.course, Role::Course),
            (&self.userid, Role::UserId),
        ];
        lists.into_iter().flat_map(|(names, role)| names.iter().map(move |name| (fold(name), role))).collect()
    }
}

fn columns(language: &str, found: &HashMap<Role, usize>) -> Option<ReportColumns> {
    let of = |role| found.get(&role).copied();
    let columns = ReportColumns {
        language: language.to_owned(),
        time: of(Role::Time)?,
        user: of(Role::User),
        affected: of(Role::Affected),
        context: of(Role::Context),
        component: of(Role::Component),
        event: of(Role::Event),
        description: of(Role::Description),
        origin: of(Role::Origin),
        ip: of(Role::Ip),
        course: of(Role::Course),
        userid: of(Role::UserId),
    };
    let numbers = columns.description.is_some() || columns.userid.is_some();
    let what = columns.event.is_some() || columns.component.is_some() || columns.context.is_some();
    (numbers && what).then_some(columns)
}

fn invalid(message: crate::Text) -> Error {
    Error::new(ErrorKind::Invalid, message)
}

/// Letters and digits of a text in lower case, Latin letters without their accents; everything else is dropped.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ą' | 'ª' => folded.push('a'),
            'ç' | 'ć' | 'č' => folded.push('c'),
            'è' | 'é' | 'ê' | 'ë' | 'ę' | 'ě' => folded.push('e'),
            'ì' | 'í' | 'î' | 'ï' => folded.push('i'),
            'ñ' | 'ń' => folded.push('n'),
            'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'º' => folded.push('o'),
            'ù' | 'ú' | 'û' | 'ü' => folded.push('u'),
            'ý' | 'ÿ' => folded.push('y'),
            'ł' => folded.push('l'),
            'ś' | 'š' => folded.push('s'),
            'ź' | 'ż' | 'ž' => folded.push('z'),
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            c if c.is_alphanumeric() => folded.push(c),
            _ => {}
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGLISH: [&str; 9] = [
        "Time",
        "User full name",
        "Affected user",
        "Event context",
        "Component",
        "Event name",
        "Description",
        "Origin",
        "IP address",
    ];

    #[test]
    fn the_built_in_file_is_valid_and_complete() {
        let dictionary = Dictionary::parse(include_str!("headers.toml")).unwrap();
        assert_eq!(dictionary.languages().collect::<Vec<_>>(), PREFERRED);
        for (language, roles) in &dictionary.languages {
            let mut kinds: Vec<Role> = roles.values().copied().collect();
            kinds.sort_by_key(|role| *role as u8);
            kinds.dedup();
            assert_eq!(kinds.len(), 11, "{language}");
        }
        for login in [Login::In, Login::Out, Login::Failed, Login::InAs] {
            assert!(dictionary.logins.values().filter(|known| **known == login).count() >= 8, "{login:?}");
        }
    }

    #[test]
    fn every_language_is_found() {
        let cases: [(&str, [&str; 9]); 9] = [
            ("en", ENGLISH),
            (
                "fr",
                [
                    "Heure",
                    "Nom complet de l'utilisateur",
                    "Utilisateur touché",
                    "Contexte de l'événement",
                    "Composant",
                    "Nom de l'événement",
                    "Description",
                    "Origine",
                    "Adresse IP",
                ],
            ),
            (
                "de",
                [
                    "Zeit",
                    "Vollständiger Name",
                    "Betroffene/r Nutzer/in",
                    "Ereigniskontext",
                    "Komponente",
                    "Ereignisname",
                    "Beschreibung",
                    "Herkunft",
                    "IP-Adresse",
                ],
            ),
            (
                "es",
                [
                    "Hora",
                    "Nombre completo del usuario",
                    "Usuario afectado",
                    "Contexto del evento",
                    "Componente",
                    "Nombre evento",
                    "Descripción",
                    "Origen",
                    "Dirección IP",
                ],
            ),
            (
                "pt",
                [
                    "Hora",
                    "Nome completo do utilizador",
                    "Utilizador afetado",
                    "Contexto do evento",
                    "Componente",
                    "Nome do evento",
                    "Descrição",
                    "Origem",
                    "Endereço IP",
                ],
            ),
            (
                "pt_br",
                [
                    "Hora",
                    "Nome completo",
                    "Usuário afetado",
                    "Contexto do Evento",
                    "Componente",
                    "Nome do evento",
                    "Descrição",
                    "Origem",
                    "endereço IP",
                ],
            ),
            (
                "it",
                [
                    "Data/Ora",
                    "Nome completo dell'utente",
                    "Utente coinvolto",
                    "Contesto dell'evento",
                    "Componente",
                    "Evento",
                    "Descrizione",
                    "Origine",
                    "Indirizzo IP",
                ],
            ),
            (
                "nl",
                [
                    "Tijd",
                    "Volledige naam gebruiker",
                    "Betrokken gebruiker",
                    "Gebeurteniscontext",
                    "Component",
                    "Gebeurtenisnaam",
                    "Beschrijving",
                    "Oorsprong",
                    "IP-adres",
                ],
            ),
            (
                "pl",
                [
                    "Czas",
                    "Imię i nazwisko użytkownika",
                    "Dotyczy użytkownika",
                    "Kontekst zdarzenia",
                    "Składnik",
                    "Nazwa zdarzenia",
                    "Opis",
                    "Źródło",
                    "Adres IP",
                ],
            ),
        ];
        for (language, header) in cases {
            let columns = detect(&header).unwrap();
            assert_eq!(columns.language, language);
            let found = [
                Some(columns.time),
                columns.user,
                columns.affected,
                columns.context,
                columns.component,
                columns.event,
                columns.description,
                columns.origin,
                columns.ip,
            ];
            assert_eq!(found, [0, 1, 2, 3, 4, 5, 6, 7, 8].map(Some), "{language}");
            assert_eq!((columns.course, columns.userid), (None, None));
        }
    }

    #[test]
    fn spelling_and_order_do_not_matter() {
        let columns = detect(&["\u{feff}DESCRIPTION", " ip  address ", "event NAME", "extra", "\"Time\""]).unwrap();
        assert_eq!((columns.description, columns.ip, columns.event, columns.time), (Some(0), Some(1), Some(2), 4));
        let plain = detect(&["Heure", "Contexte de l’evenement", "Nom de l'evenement", "Description"]).unwrap();
        assert_eq!((plain.language.as_str(), plain.context, plain.event), ("fr", Some(1), Some(2)));
        // U+0301, the accent as a character of its own.
        let decomposed = detect(&["Heure", "Nom de l'e\u{301}ve\u{301}nement", "Description"]).unwrap();
        assert_eq!(decomposed.event, Some(1));
    }

    #[test]
    fn a_missing_translation_is_read_in_english() {
        let columns = detect(&["Heure", "Event context", "Composant", "Nom de l'événement", "Description"]).unwrap();
        assert_eq!((columns.language.as_str(), columns.context), ("fr", Some(1)));
    }

    #[test]
    fn other_files_are_not_taken_for_the_report() {
        for header in [
            &["id", "userid", "timecreated"][..],
            &["Time", "Description"],
            &["time", "userid"],
            &["Event name", "Description"],
            &["Time", "Event name", "Component"],
            &[],
        ] {
            assert_eq!(detect(header), None, "{header:?}");
        }
    }

    #[test]
    fn a_site_can_add_words_and_languages() {
        let own = from_dictionary("[en]\ntime = [\"When\"]\n[sv]\ntime = [\"Tid\"]\ndescription = [\"Beskrivning\"]\nevent = [\"Händelse\"]\n")
            .unwrap();
        assert_eq!(own.detect(&["When", "Event name", "Description"]).unwrap().language, "en");
        assert_eq!(own.detect(&["Tid", "Handelse", "Beskrivning"]).unwrap().language, "sv");
        assert_eq!(own.month("janvier"), Some(1));
    }

    #[test]
    fn faulty_dictionaries_are_refused() {
        for text in [
            "[en",
            "[en]\ntimes = []",
            "[en]\ntime = 3",
            "[xx]\nmonths = [[\"a\"]]",
            "[xx]\nmonths = [[\"a\"],[\"a\"],[],[],[],[],[],[],[],[],[],[]]",
        ] {
            assert_eq!(from_dictionary(text).unwrap_err().kind(), ErrorKind::Invalid, "{text}");
        }
    }
}
