//! Times as the report writes them: local, in the words and order of the user who exported it, mostly to the minute.

use chrono::{Duration, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone};
use chrono_tz::Tz;

use super::headers::{Dictionary, Half, fold};
use crate::load::DateOrder;
use crate::text;
use crate::text::Text;

/// Longest text that can be a time, in bytes.
const LONGEST: usize = 100;

/// Why a text is not a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeFault {
    /// No known way of writing a time.
    Unreadable,
    /// A day that the calendar does not have, such as 31/02, or one before 1970.
    ImpossibleDate,
    /// A time that the clock does not have, such as 25:00 or 14:05 AM.
    ImpossibleTime,
    /// `05/06/2024` while nothing tells which number is the month.
    UnknownOrder,
}

impl TimeFault {
    /// Why, as a sentence.
    pub fn reason(self) -> Text {
        match self {
            Self::Unreadable => text!("the time cannot be read", "l'heure est illisible"),
            Self::ImpossibleDate => text!("the calendar has no such day", "ce jour n'existe pas au calendrier"),
            Self::ImpossibleTime => text!("the clock has no such time", "cette heure n'existe pas"),
            Self::UnknownOrder => {
                text!("day and month cannot be told apart", "impossible de distinguer le jour du mois")
            }
        }
    }

    /// What to do about it.
    pub fn hint(self) -> Text {
        match self {
            Self::Unreadable | Self::ImpossibleTime => text!(
                "expected is a date and a time, such as `31/01/24, 14:05` or `31 January 2024, 2:05 PM`",
                "attendu : une date et une heure, comme `31/01/24, 14:05` ou `31 janvier 2024, 14:05`"
            ),
            Self::ImpossibleDate | Self::UnknownOrder => text!(
                "the order of day and month can be given with `--date-order`",
                "l'ordre du jour et du mois peut être donné par `--date-order`"
            ),
        }
    }
}

/// Unix seconds of a local time.
///
/// Read are numeric dates with `/`, `.` or `-` (two digits of a year mean 1970 to 2069), dates with the month's name in
/// any language of the dictionary, before or after the day, a leading weekday, and `14:05`, `14:05:06`, `14.05`,
/// `14h05` or a 12-hour time. AM or PM beside a 24-hour time, which several language packs of Moodle write, changes
/// nothing.
///
/// `order` decides numeric dates; `2024-01-31` needs none. Without an order a numeric date is read when only one order
/// makes it a day of the calendar. A year of two digits is first only when `order` says so.
///
/// A local time that a change of the clock skips is shifted forward by the length of the gap (02:30 becomes 03:30); one
/// that occurs twice means its first occurrence. So the order of the rows of a file may not be that of their times
/// within that hour: nothing in the report tells the two apart.
///
/// # Errors
///
/// [`TimeFault`] says why; no text makes it panic.
pub fn parse_time(text: &str, order: Option<DateOrder>, tz: Tz, dictionary: &Dictionary) -> Result<i64, TimeFault> {
    let tokens = tokens(text).ok_or(TimeFault::Unreadable)?;
    let mut cursor = Cursor { tokens: &tokens, at: 0, dictionary };
    let date = cursor.date().ok_or(TimeFault::Unreadable)?;
    let clock = cursor.clock().ok_or(TimeFault::Unreadable)?;
    let local = NaiveDateTime::new(date.resolve(order)?, clock.resolve()?);
    instant(local, tz).ok_or(TimeFault::ImpossibleDate)
}

/// What the time texts of a file prove about the order of day and month. Feed it every row.
#[derive(Debug, Clone, Default)]
pub struct OrderEvidence {
    day_first: Option<u64>,
    month_first: Option<u64>,
    year_first: Option<u64>,
    undecided: bool,
}

/// Answer of [`OrderEvidence`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderAnswer {
    /// Only this order makes the date of that line a day of the calendar, and no line speaks against it.
    Proved {
        /// The order.
        order: DateOrder,
        /// First line that proves it.
        line: u64,
    },
    /// Every numeric date can be read both ways: the operator has to say.
    Ambiguous,
    /// No date needs an order: months have names, or there is no date.
    NotNeeded,
    /// Two lines prove different orders: the file is made of several, or damaged.
    Contradictory {
        /// First line that proves the day first.
        day_first: u64,
        /// First line that proves the month first.
        month_first: u64,
    },
}

impl OrderEvidence {
    /// Takes the time of one row, with its line in the file. Unreadable texts and impossible dates prove nothing.
    pub fn observe(&mut self, line: u64, text: &str, dictionary: &Dictionary) {
        let Some(tokens) = tokens(text) else { return };
        let Some(Date::Numeric(parts)) = (Cursor { tokens: &tokens, at: 0, dictionary }).date() else { return };
        if parts[0].digits == 4 {
            if parts.day(DateOrder::YearFirst).is_some() {
                self.year_first.get_or_insert(line);
            }
            return;
        }
        match (parts.day(DateOrder::DayFirst), parts.day(DateOrder::MonthFirst)) {
            (Some(_), None) => {
                self.day_first.get_or_insert(line);
            }
            (None, Some(_)) => {
                self.month_first.get_or_insert(line);
            }
            (Some(day), Some(other)) if day != other => self.undecided = true,
            _ => {}
        }
    }

    /// What is proved so far. Years of four digits in front prove themselves row by row and contradict nothing;
    /// years of two digits are never taken to be in front.
    pub fn answer(&self) -> OrderAnswer {
        match (self.day_first, self.month_first) {
            (Some(day_first), Some(month_first)) => OrderAnswer::Contradictory { day_first, month_first },
            (Some(line), None) => OrderAnswer::Proved { order: DateOrder::DayFirst, line },
            (None, Some(line)) => OrderAnswer::Proved { order: DateOrder::MonthFirst, line },
            (None, None) if self.undecided => OrderAnswer::Ambiguous,
            (None, None) => match self.year_first {
                Some(line) => OrderAnswer::Proved { order: DateOrder::YearFirst, line },
                None => OrderAnswer::NotNeeded,
            },
        }
    }
}

/// Seconds of a local time; see [`parse_time`] for gaps and repetitions.
fn instant(local: NaiveDateTime, tz: Tz) -> Option<i64> {
    let seconds = match tz.from_local_datetime(&local) {
        LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => time.timestamp(),
        LocalResult::None => {
            let offset = offset_before(local, tz)?;
            local.and_utc().timestamp().checked_sub(i64::from(offset))?
        }
    };
    Some(seconds)
}

/// Seconds east of UTC just before the gap that holds a local time. The longest gap was a whole day (Samoa, 2011).
fn offset_before(local: NaiveDateTime, tz: Tz) -> Option<i32> {
    (1..=104).find_map(|quarters| {
        let earlier = local.checked_sub_signed(Duration::minutes(15 * quarters))?;
        match tz.from_local_datetime(&earlier) {
            LocalResult::Single(time) | LocalResult::Ambiguous(_, time) => Some(time.offset().fix().local_minus_utc()),
            LocalResult::None => None,
        }
    })
}

/// A piece of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Number(Part),
    /// Folded letters.
    Word(String),
    Mark(char),
}

/// A number as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    value: u32,
    digits: usize,
}

impl Part {
    fn short(self) -> Option<u32> {
        (self.digits <= 2).then_some(self.value)
    }

    /// The year; two digits mean 1970 to 2069.
    fn year(self) -> Option<i32> {
        let value = i32::try_from(self.value).ok()?;
        match self.digits {
            4 => Some(value),
            2 if value < 70 => Some(2000 + value),
            2 => Some(1900 + value),
            _ => None,
        }
    }
}

/// A date as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Date {
    Numeric([Part; 3]),
    Named { day: u32, month: u32, year: i32 },
}

/// Reads three numbers in an order.
trait InOrder {
    /// The day, when these numbers are one in this order.
    fn day(&self, order: DateOrder) -> Option<NaiveDate>;
}

impl InOrder for [Part; 3] {
    fn day(&self, order: DateOrder) -> Option<NaiveDate> {
        let [year, month, day] = match order {
            DateOrder::DayFirst => [self[2], self[1], self[0]],
            DateOrder::MonthFirst => [self[2], self[0], self[1]],
            DateOrder::YearFirst => [self[0], self[1], self[2]],
        };
        calendar(year.year()?, month.short()?, day.short()?)
    }
}

/// A day of the calendar from 1970 on.
fn calendar(year: i32, month: u32, day: u32) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(year, month, day).filter(|_| year >= 1970)
}

impl Date {
    fn resolve(self, order: Option<DateOrder>) -> Result<NaiveDate, TimeFault> {
        let parts = match self {
            Self::Named { day, month, year } => return calendar(year, month, day).ok_or(TimeFault::ImpossibleDate),
            Self::Numeric(parts) => parts,
        };
        // A year of four digits shows where it is, whatever the order of the other dates of the file.
        let order = if parts[0].digits == 4 { Some(DateOrder::YearFirst) } else { order };
        if let Some(order) = order {
            return parts.day(order).ok_or(TimeFault::ImpossibleDate);
        }
        match (parts.day(DateOrder::DayFirst), parts.day(DateOrder::MonthFirst)) {
            (Some(day), None) | (None, Some(day)) => Ok(day),
            (Some(day), Some(other)) if day == other => Ok(day),
            (Some(_), Some(_)) => Err(TimeFault::UnknownOrder),
            (None, None) => Err(TimeFault::ImpossibleDate),
        }
    }
}

/// A time of day as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Clock {
    hour: u32,
    minute: u32,
    second: u32,
    half: Option<Half>,
}

impl Clock {
    fn resolve(self) -> Result<NaiveTime, TimeFault> {
        let hour = match (self.half, self.hour) {
            (Some(Half::Am), 12) => 0,
            (Some(Half::Am), 13..) => return Err(TimeFault::ImpossibleTime),
            (Some(Half::Pm), hour @ 0..12) => hour + 12,
            (_, hour) => hour,
        };
        NaiveTime::from_hms_opt(hour, self.minute, self.second).ok_or(TimeFault::ImpossibleTime)
    }
}

/// Reads tokens from left to right.
struct Cursor<'a> {
    tokens: &'a [Token],
    at: usize,
    dictionary: &'a Dictionary,
}

impl Cursor<'_> {
    fn date(&mut self) -> Option<Date> {
        let start = self.at;
        if matches!(self.tokens.first(), Some(Token::Word(word)) if self.dictionary.is_weekday(word)) {
            self.at += 1;
            while matches!(self.tokens.get(self.at), Some(Token::Word(word)) if self.dictionary.is_weekday(word))
                || matches!(self.tokens.get(self.at), Some(Token::Mark(',' | '.' | '-')))
            {
                self.at += 1;
            }
            if let Some(date) = self.date_proper() {
                return Some(date);
            }
            // `mar` is Tuesday in some languages and March in others.
            self.at = start;
        }
        self.date_proper()
    }

    fn date_proper(&mut self) -> Option<Date> {
        self.filler();
        match self.tokens.get(self.at)? {
            Token::Number(first) => self.numeric(*first).or_else(|| {
                self.at += 1;
                self.filler();
                let month = self.month()?;
                self.named(month, Some(*first))
            }),
            Token::Word(_) => {
                let month = self.month()?;
                self.named(month, None)
            }
            Token::Mark(_) => None,
        }
    }

    /// Three numbers with the same mark between them.
    fn numeric(&mut self, first: Part) -> Option<Date> {
        let rest = self.tokens.get(self.at + 1..self.at + 5)?;
        let [Token::Mark(mark), Token::Number(second), Token::Mark(other), Token::Number(third)] = rest else {
            return None;
        };
        if mark != other || !matches!(mark, '/' | '.' | '-') {
            return None;
        }
        self.at += 5;
        Some(Date::Numeric([first, *second, *third]))
    }

    fn month(&mut self) -> Option<u32> {
        let Token::Word(word) = self.tokens.get(self.at)? else { return None };
        let month = self.dictionary.month(word)?;
        self.at += 1;
        Some(month)
    }

    /// What stands around the name of a month: the day, unless it came before, and the year.
    fn named(&mut self, month: u32, day: Option<Part>) -> Option<Date> {
        let day = match day {
            Some(day) => day,
            None => self.number()?,
        };
        let year = self.number()?;
        Some(Date::Named { day: day.short()?, month, year: year.year()? })
    }

    fn number(&mut self) -> Option<Part> {
        self.filler();
        let Token::Number(part) = self.tokens.get(self.at)? else { return None };
        self.at += 1;
        Some(*part)
    }

    fn clock(&mut self) -> Option<Clock> {
        self.filler();
        if matches!(self.tokens.get(self.at), Some(Token::Word(word)) if word == "t") {
            self.at += 1;
        }
        let hour = self.number()?.short()?;
        let mark = self.tokens.get(self.at)?.clone();
        let minute = self.after(&mark)?;
        let second = if matches!(mark, Token::Mark(_)) { self.after(&mark).unwrap_or(0) } else { 0 };
        Some(Clock { hour, minute, second, half: self.rest()? })
    }

    /// The two digits after this separator of hours, minutes and seconds.
    fn after(&mut self, mark: &Token) -> Option<u32> {
        let separates = match mark {
            Token::Mark(mark) => matches!(mark, ':' | '.'),
            Token::Word(word) => word == "h",
            Token::Number(_) => false,
        };
        if !separates || self.tokens.get(self.at)? != mark {
            return None;
        }
        let Token::Number(part) = self.tokens.get(self.at + 1)? else { return None };
        self.at += 2;
        (part.digits == 2).then_some(part.value)
    }

    /// Half of the day, and that nothing else follows.
    fn rest(&mut self) -> Option<Option<Half>> {
        let mut all = String::new();
        let mut half = String::new();
        for token in self.tokens.get(self.at..).unwrap_or_default() {
            match token {
                Token::Word(word) => {
                    all.push_str(word);
                    if !self.dictionary.is_filler(word) {
                        half.push_str(word);
                    }
                }
                Token::Mark('.' | ',') => {}
                _ => return None,
            }
        }
        if half.is_empty() && self.dictionary.half(&all).is_none() {
            return Some(None);
        }
        self.dictionary.half(&all).or_else(|| self.dictionary.half(&half)).map(Some)
    }

    fn filler(&mut self) {
        while let Some(token) = self.tokens.get(self.at) {
            match token {
                Token::Word(word) if self.dictionary.is_filler(word) && self.dictionary.month(word).is_none() => {}
                Token::Mark(',' | '.' | '-' | '/') => {}
                _ => return,
            }
            self.at += 1;
        }
    }
}

/// Numbers, words and marks; spaces of every kind and invisible marks of direction are dropped. `None` when it is too
/// long, or has a number of more than four digits.
fn tokens(text: &str) -> Option<Vec<Token>> {
    if text.len() > LONGEST {
        return None;
    }
    let mut tokens = Vec::with_capacity(12);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = |same: fn(char) -> bool| rest.find(|c| !same(c)).unwrap_or(rest.len());
        let length = if first.is_ascii_digit() {
            let digits = end(|c| c.is_ascii_digit());
            let value = rest[..digits].parse().ok()?;
            tokens.push(Token::Number(Part { value, digits: (digits <= 4).then_some(digits)? }));
            digits
        } else if is_letter(first) {
            let letters = end(is_letter);
            tokens.push(Token::Word(fold(&rest[..letters])));
            letters
        } else {
            if !(first.is_whitespace() || matches!(first, '\u{200e}' | '\u{200f}' | '\u{feff}')) {
                tokens.push(Token::Mark(first));
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    Some(tokens)
}

/// Letters, and accents that are characters of their own.
fn is_letter(c: char) -> bool {
    c.is_alphabetic() || ('\u{300}'..='\u{36f}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    const D: Option<DateOrder> = Some(DateOrder::DayFirst);
    const M: Option<DateOrder> = Some(DateOrder::MonthFirst);
    const Y: Option<DateOrder> = Some(DateOrder::YearFirst);

    fn utc(text: &str, order: Option<DateOrder>) -> Result<i64, TimeFault> {
        parse_time(text, order, Tz::UTC, Dictionary::builtin())
    }

    /// 2024-01-12 14:05:00 UTC.
    const AT: i64 = 1_705_068_300;

    #[test]
    fn numeric_dates() {
        let cases = [
            ("12/01/24, 14:05", D, AT),
            ("12/1/24, 14:05", D, AT),
            ("12/01/2024 14:05", D, AT),
            ("12.01.2024 14:05", D, AT),
            ("12.1.24, 14.05", D, AT),
            ("12-01-2024, 14:05:06", D, AT + 6),
            ("1/12/24, 14:05", M, AT),
            ("01/12/24, 2:05 PM", M, AT),
            ("01/12/24, 02:05:06 pm", M, AT + 6),
            ("24/01/12, 14:05", Y, AT),
            ("2024-01-12 14:05", None, AT),
            ("2024-01-12T14:05:06", D, AT + 6),
            ("2024/01/12, 14:05", M, AT),
            ("13/01/24, 14:05", None, AT + 86_400),
            ("01/13/24, 14:05", None, AT + 86_400),
            ("Fri, 12/01/24, 14:05", D, AT),
            ("31/12/69, 00:00", D, 3_155_673_600),
            ("1/01/70, 00:00", D, 0),
        ];
        for (text, order, expected) in cases {
            assert_eq!(utc(text, order), Ok(expected), "{text}");
        }
    }

    #[test]
    fn dates_with_the_name_of_the_month_in_every_language() {
        for text in [
            "12 January 2024, 2:05 PM",
            "Friday, 12 January 2024, 2:05 PM",
            "January 12, 2024, 2:05 pm",
            "12th January 2024 at 14:05",
            "12 Jan 2024, 14:05",
            "12-Jan-2024 14:05",
            "12 janvier 2024, 14:05",
            "vendredi 12 janvier 2024, 14:05",
            "12 janv. 2024 à 14h05",
            "12. Januar 2024, 14:05",
            "Freitag, 12. Jänner 2024, 14:05 Uhr",
            "12 de enero de 2024, 14:05",
            "viernes, 12 de enero de 2024, 14:05",
            "12 de enero de 2024, 2:05 p. m.",
            "12 de janeiro de 2024, 14:05",
            "sexta-feira, 12 de janeiro de 2024, 14:05",
            "12 Janeiro 2024, 14:05 PM",
            "12 gennaio 2024, 14:05",
            "venerdì, 12 gennaio 2024, 14:05",
            "12 januari 2024, 14:05 PM",
            "12 stycznia 2024, 14:05",
            "piątek, 12 styczeń 2024, 14:05 PM",
            "12\u{a0}stycznia\u{202f}2024, 14:05",
        ] {
            assert_eq!(utc(text, None), Ok(AT), "{text}");
        }
    }

    #[test]
    fn every_month_of_every_language() {
        let lists = [
            "january february march april may june july august september october november december",
            "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
            "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
            "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
            "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
            "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
            "januari februari maart april mei juni juli augustus september oktober november december",
            "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
        ];
        for list in lists {
            for (month, name) in (1..).zip(list.split(' ')) {
                assert_eq!(
                    utc(&format!("1 {name} 2024, 00:00"), None),
                    utc(&format!("2024-{month:02}-01 00:00"), None),
                    "{name}"
                );
            }
        }
        // Tuesday in French, March in English.
        assert_eq!(utc("mar. 12 mars 2024, 14:05", None), utc("2024-03-12 14:05", None));
        assert_eq!(utc("Mar 12, 2024 14:05", None), utc("2024-03-12 14:05", None));
        assert_eq!(utc("1er août 2024, 14:05", None), utc("2024-08-01 14:05", None));
    }

    #[test]
    fn halves_of_the_day() {
        let midnight = AT - 14 * 3600 - 300;
        for (clock, seconds) in [
            ("12:00 AM", 0),
            ("12:30 am", 1800),
            ("1:00 a.m.", 3600),
            ("11:59 AM", 43_140),
            ("12:00 PM", 43_200),
            ("1:00 pm", 46_800),
            ("11:59 p. m.", 86_340),
            ("23:59 PM", 86_340),
            ("00:05 AM", 300),
        ] {
            assert_eq!(utc(&format!("12 January 2024, {clock}"), None), Ok(midnight + seconds), "{clock}");
        }
    }

    #[test]
    fn what_is_not_a_time() {
        use TimeFault::{ImpossibleDate, ImpossibleTime, UnknownOrder, Unreadable};
        for (text, order, fault) in [
            ("", D, Unreadable),
            ("-", D, Unreadable),
            ("yesterday", D, Unreadable),
            ("12/01/24", D, Unreadable),
            ("14:05", D, Unreadable),
            ("12/01/24, 14:5", D, Unreadable),
            ("12/01/24, 14:05 maybe", D, Unreadable),
            ("12/01/24, 14:05 +02:00", D, Unreadable),
            ("12/01-24, 14:05", D, Unreadable),
            ("12 foo 2024, 14:05", D, Unreadable),
            ("1705068300", D, Unreadable),
            ("12 January 20240, 14:05", D, Unreadable),
            ("31/02/24, 14:05", D, ImpossibleDate),
            ("30 février 2024, 14:05", D, ImpossibleDate),
            ("29/02/23, 14:05", D, ImpossibleDate),
            ("01/13/24, 14:05", D, ImpossibleDate),
            ("00/01/24, 14:05", D, ImpossibleDate),
            ("12/01/1969, 14:05", D, ImpossibleDate),
            ("12/01/224, 14:05", D, ImpossibleDate),
            ("31/02/24, 14:05", None, ImpossibleDate),
            ("31/12/2024, 14:05", Y, ImpossibleDate),
            ("12/01/24, 24:00", D, ImpossibleTime),
            ("12/01/24, 14:60", D, ImpossibleTime),
            ("12/01/24, 14:05 AM", D, ImpossibleTime),
            ("12/01/24, 14:05", None, UnknownOrder),
        ] {
            assert_eq!(utc(text, order), Err(fault), "{text}");
        }
        assert!(utc("12/12/24, 14:05", None).is_ok());
    }

    #[test]
    fn local_times_follow_the_clock_of_the_zone() {
        let paris = |text| parse_time(text, D, Tz::Europe__Paris, Dictionary::builtin());
        // 12 January, UTC+1; 12 July, UTC+2.
        assert_eq!(paris("12/01/24, 14:05"), Ok(AT - 3600));
        assert_eq!(paris("12/07/24, 14:05"), Ok(1_720_785_900));
        // 31 March 2024: at 01:00 UTC (1711846800) the clock went from 02:00 to 03:00.
        assert_eq!(paris("31/03/24, 01:59:59"), Ok(1_711_846_799));
        assert_eq!(paris("31/03/24, 02:00"), Ok(1_711_846_800));
        assert_eq!(paris("31/03/24, 02:30"), Ok(1_711_848_600));
        assert_eq!(paris("31/03/24, 02:30"), paris("31/03/24, 03:30"));
        // 27 October 2024: at 01:00 UTC (1729990800) the clock went from 03:00 to 02:00; 02:30 was first at 00:30 UTC.
        assert_eq!(paris("27/10/24, 02:30"), Ok(1_729_989_000));
        assert_eq!(paris("27/10/24, 03:00"), Ok(1_729_994_400));
        // Samoa had no 30 December 2011: from UTC-10 to UTC+14.
        let apia = |text| parse_time(text, D, Tz::Pacific__Apia, Dictionary::builtin());
        assert_eq!(apia("30/12/11, 12:00"), apia("31/12/11, 12:00"));
        assert_eq!(apia("30/12/11, 12:00"), Ok(1_325_282_400));
    }

    fn evidence(times: &[&str]) -> OrderAnswer {
        let mut evidence = OrderEvidence::default();
        for (line, text) in (2..).zip(times) {
            evidence.observe(line, text, Dictionary::builtin());
        }
        evidence.answer()
    }

    #[test]
    fn a_file_proves_its_order() {
        use DateOrder::{DayFirst, MonthFirst, YearFirst};
        use OrderAnswer::{Ambiguous, Contradictory, NotNeeded, Proved};
        for (times, answer) in [
            (&["6/05/18, 00:47", "13/05/18, 00:40", "14/05/18, 00:40"][..], Proved { order: DayFirst, line: 3 }),
            (&["5/6/18, 00:47", "5/13/18, 00:40"], Proved { order: MonthFirst, line: 3 }),
            (&["2024-01-12 14:05"], Proved { order: YearFirst, line: 2 }),
            (&["6/05/18, 00:47", "6/05/18, 00:40"], Ambiguous),
            (&["6/06/18, 00:47"], NotNeeded),
            (&["12 janvier 2024, 14:05", "x", ""], NotNeeded),
            (&[], NotNeeded),
            (&["31/02/18, 00:47", "6/05/18, 00:40"], Ambiguous),
            (&["13/01/18, 00:47", "1/02/18, 0:00", "01/13/18, 00:40"], Contradictory { day_first: 2, month_first: 4 }),
            (&["2024-01-12 14:05", "13/01/18, 00:47"], Proved { order: DayFirst, line: 3 }),
        ] {
            assert_eq!(evidence(times), answer, "{times:?}");
        }
    }

    #[test]
    fn no_text_makes_it_panic() {
        let seeds = [
            "12/01/24, 14:05",
            "12 de enero de 2024, 2:05 p. m.",
            "2024-01-12T14:05:06",
            "vendredi 1er août 2024 à 14h05",
        ];
        let junk =
            ["", "é", "\u{301}", "\0", "99999999999999999999", "-", "ﬀ", "İ", "٣", "/", ":", " AM", "🦀", "\u{202f}"];
        for seed in seeds {
            let cuts: Vec<usize> = seed.char_indices().map(|(at, _)| at).chain([seed.len()]).collect();
            for &from in &cuts {
                for &to in cuts.iter().filter(|to| **to >= from) {
                    for piece in junk {
                        let text = format!("{}{piece}{}", &seed[..from], &seed[to..]);
                        for order in [None, D, M, Y] {
                            let _ = parse_time(&text, order, Tz::Pacific__Apia, Dictionary::builtin());
                        }
                        OrderEvidence::default().observe(1, &text, Dictionary::builtin());
                    }
                }
            }
        }
    }
}
