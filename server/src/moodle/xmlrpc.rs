//! XML-RPC: calls in, answers and faults out.
//!
//! Reading takes what clients in use send: all scalar types with their usual extensions (`i8`, `nil`, the `ex:`
//! prefix), and text without a type. It refuses document types, entities of the sender's own, characters that XML does
//! not allow, and calls that are too deep or too large. Writing is well formed for any text.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::{Text, text};
use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};

use super::Value;
use super::xml_text::{is_allowed, xml_text};

/// Most values inside each other: arrays and structures, with the innermost value.
const MAX_DEPTH: usize = 32;

/// Longest name of a method, in bytes.
const MAX_METHOD: usize = 255;

/// A call.
#[derive(Debug, Clone, PartialEq)]
pub struct MethodCall {
    /// Name of the method, not empty.
    pub method: String,
    /// Its arguments, which have no names.
    pub params: Vec<Value>,
}

/// Why bytes are no call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XmlRpcError {
    /// Byte of the document at which it shows, from 0.
    pub position: u64,
    /// What is wrong.
    pub message: Text,
}

impl fmt::Display for XmlRpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}: {}", self.position, self.message.en)
    }
}

impl std::error::Error for XmlRpcError {}

type Result<T> = std::result::Result<T, XmlRpcError>;

/// Reads a call of at most `most_values` values, inner ones included.
///
/// Dates and times are texts. So is base64, which must hold UTF-8. In a structure that names a member twice the last
/// one counts.
///
/// # Errors
///
/// For anything that is not exactly one call, with the position.
pub fn read_call(body: &[u8], most_values: usize) -> Result<MethodCall> {
    let document = decode(body)?;
    let mut reader = Reader::from_str(&document);
    reader.config_mut().enable_all_checks(true);
    reader.config_mut().expand_empty_elements = true;
    CallReader { reader, left: most_values, started: false }.call()
}

/// The text of a document: UTF-8, or the Latin-1 that it declares.
fn decode(body: &[u8]) -> Result<Cow<'_, str>> {
    let fault = |position: usize, message| XmlRpcError { position: position as u64, message };
    let declared = declared_encoding(body).map(|name| name.to_ascii_lowercase());
    match declared.as_deref() {
        None | Some("utf-8" | "utf8" | "us-ascii" | "ascii") => {
            let bytes = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
            let text = std::str::from_utf8(bytes).map_err(|error| {
                let message = text!("the document is not valid UTF-8", "le document n'est pas en UTF-8 valide");
                fault(error.valid_up_to(), message)
            })?;
            Ok(Cow::Borrowed(text))
        }
        Some("iso-8859-1" | "latin1") => Ok(body.iter().map(|byte| char::from(*byte)).collect()),
        Some(_) => Err(fault(
            0,
            text!(
                "the document must be in UTF-8 or ISO-8859-1, and declares another encoding",
                "le document doit être en UTF-8 ou ISO-8859-1, et déclare un autre codage"
            ),
        )),
    }
}

/// The encoding that the declaration of a document names.
fn declared_encoding(body: &[u8]) -> Option<String> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let end = body.iter().take(200).position(|byte| *byte == b'>')?;
    let head = std::str::from_utf8(body.get(..=end)?).ok()?;
    match Reader::from_str(head).read_event().ok()? {
        Event::Decl(declaration) => encoding_of(&declaration),
        _ => None,
    }
}

fn encoding_of(declaration: &BytesDecl<'_>) -> Option<String> {
    Some(declaration.encoding()?.ok()?.into_owned())
}

/// The state of reading.
struct CallReader<'a> {
    reader: Reader<&'a [u8]>,
    /// Values that may still come.
    left: usize,
    /// Whether anything but the declaration has been read.
    started: bool,
}

/// What comes next where elements are expected.
enum Part<'a> {
    Start(BytesStart<'a>),
    End,
    Eof,
}

impl<'a> CallReader<'a> {
    fn call(mut self) -> Result<MethodCall> {
        self.open("methodCall")?;
        self.open("methodName")?;
        let method = self.text()?.trim().to_owned();
        let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '/' | '-');
        if method.is_empty() || method.len() > MAX_METHOD || !method.chars().all(named) {
            return Err(self.fault(text!(
                "the name of a method is 1 to {MAX_METHOD} letters, digits and characters of `_.:/-`",
                "le nom d'une méthode se compose de 1 à {MAX_METHOD} lettres, chiffres et caractères de `_.:/-`"
            )));
        }
        let mut params = Vec::new();
        if let Some(start) = self.child()? {
            self.expect(&start, "params")?;
            while let Some(start) = self.child()? {
                self.expect(&start, "param")?;
                self.open("value")?;
                params.push(self.value(1)?);
                self.close()?;
            }
            self.close()?;
        }
        match self.part()? {
            Part::Eof => Ok(MethodCall { method, params }),
            _ => Err(self.fault(text!("something follows the call", "quelque chose suit l'appel"))),
        }
    }

    /// The value whose start has been read, with its end.
    fn value(&mut self, depth: usize) -> Result<Value> {
        self.count(depth)?;
        let mut untyped = String::new();
        loop {
            match self.event()? {
                Event::Start(start) => {
                    if !untyped.trim().is_empty() {
                        return Err(self.mixed());
                    }
                    let value = self.typed(&start, depth)?;
                    self.close()?;
                    return Ok(value);
                }
                Event::End(_) => return Ok(Value::Text(untyped)),
                other => self.append(&mut untyped, other)?,
            }
        }
    }

    fn count(&mut self, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(self.fault(text!(
                "values lie more than {MAX_DEPTH} deep inside each other",
                "plus de {MAX_DEPTH} valeurs sont imbriquées"
            )));
        }
        self.left = self
            .left
            .checked_sub(1)
            .ok_or_else(|| self.fault(text!("the call has too many values", "l'appel a trop de valeurs")))?;
        Ok(())
    }

    /// The value in an element that names its type.
    fn typed(&mut self, start: &BytesStart<'_>, depth: usize) -> Result<Value> {
        let name = start.name();
        let kind = name.as_ref();
        match kind.strip_prefix("ex:").unwrap_or(kind) {
            "string" | "dateTime.iso8601" => Ok(Value::Text(self.text()?)),
            "int" | "i1" | "i2" | "i4" | "i8" | "boolean" | "double" | "float" => {
                let text = self.text()?;
                let value = scalar(kind, text.trim());
                value.ok_or_else(|| {
                    self.fault(text!("a `{kind}` has no such value", "un `{kind}` n'a pas cette valeur"))
                })
            }
            "base64" => {
                let text = self.text()?;
                let value = base64_text(&text).map(Value::Text);
                value.ok_or_else(|| {
                    self.fault(text!("`base64` must hold UTF-8 text", "`base64` doit contenir du texte en UTF-8"))
                })
            }
            "nil" => match self.text()?.trim() {
                "" => Ok(Value::Null),
                _ => Err(self.mixed()),
            },
            "array" => self.array(depth),
            "struct" => self.structure(depth),
            _ => Err(self.fault(text!("no value has such a type", "aucune valeur n'a ce type"))),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value> {
        let mut items = Vec::new();
        self.open("data")?;
        while let Some(start) = self.child()? {
            self.expect(&start, "value")?;
            items.push(self.value(depth + 1)?);
        }
        self.close()?;
        Ok(Value::List(items))
    }

    fn structure(&mut self, depth: usize) -> Result<Value> {
        let mut members: Vec<(String, Value)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        while let Some(start) = self.child()? {
            self.expect(&start, "member")?;
            self.open("name")?;
            let name = self.text()?;
            self.open("value")?;
            let value = self.value(depth + 1)?;
            self.close()?;
            match places.get(&name).and_then(|place| members.get_mut(*place)) {
                Some(member) => member.1 = value,
                None => {
                    places.insert(name.clone(), members.len());
                    members.push((name, value));
                }
            }
        }
        Ok(Value::Struct(members))
    }

    /// The text up to the end of the open element, which holds nothing else.
    fn text(&mut self) -> Result<String> {
        let mut text = String::new();
        loop {
            match self.event()? {
                Event::Start(_) => return Err(self.mixed()),
                Event::End(_) => return Ok(text),
                other => self.append(&mut text, other)?,
            }
        }
    }

    fn append(&self, text: &mut String, event: Event<'_>) -> Result<()> {
        let from = text.len();
        match event {
            Event::Text(part) => text.push_str(&part.xml10_content()),
            Event::CData(part) => text.push_str(&part.xml10_content()),
            Event::GeneralRef(reference) => text.push_str(&self.resolve(&reference)?),
            Event::Eof => return Err(self.ends()),
            _ => {}
        }
        if text[from..].chars().all(is_allowed) {
            return Ok(());
        }
        Err(self.fault(text!("XML allows no such character", "XML n'admet pas ce caractère")))
    }

    fn resolve(&self, reference: &BytesRef<'_>) -> Result<String> {
        if let Some(text) = resolve_xml_entity(reference) {
            return Ok(text.to_owned());
        }
        match reference.resolve_char_ref() {
            Ok(Some(c)) => Ok(c.to_string()),
            _ => Err(self.fault(text!(
                "only `&lt;`, `&gt;`, `&amp;`, `&quot;`, `&apos;` and references to characters are known",
                "seules `&lt;`, `&gt;`, `&amp;`, `&quot;`, `&apos;` et les références à des caractères sont connues"
            ))),
        }
    }

    /// The next event that means something.
    fn event(&mut self) -> Result<Event<'a>> {
        loop {
            let event = self.reader.read_event().map_err(|error| XmlRpcError {
                position: self.reader.error_position(),
                message: text!("the document is not well formed: {error}", "le document est mal formé : {error}"),
            })?;
            let first = !std::mem::replace(&mut self.started, true);
            match event {
                Event::Comment(_) | Event::PI(_) => {}
                Event::Decl(_) if first => {}
                Event::Decl(_) => {
                    return Err(self.fault(text!(
                        "a declaration stands at the start of a document only",
                        "une déclaration n'est qu'au début d'un document"
                    )));
                }
                Event::DocType(_) => {
                    return Err(self.fault(text!(
                        "document types are not accepted",
                        "les types de document ne sont pas acceptés"
                    )));
                }
                Event::Start(start) => {
                    if start.attributes().any(|attribute| attribute.is_err()) {
                        return Err(self.fault(text!("bad attributes", "attributs mal formés")));
                    }
                    return Ok(Event::Start(start));
                }
                other => return Ok(other),
            }
        }
    }

    /// The next element, end or end of document; only blanks may stand before it.
    fn part(&mut self) -> Result<Part<'a>> {
        loop {
            match self.event()? {
                Event::Start(start) => return Ok(Part::Start(start)),
                Event::End(_) => return Ok(Part::End),
                Event::Eof => return Ok(Part::Eof),
                Event::Text(text) if text.chars().all(|c| matches!(c, ' ' | '\t' | '\r' | '\n')) => {}
                _ => return Err(self.mixed()),
            }
        }
    }

    /// The next element inside the open one; `None` at its end.
    fn child(&mut self) -> Result<Option<BytesStart<'a>>> {
        match self.part()? {
            Part::Start(start) => Ok(Some(start)),
            Part::End => Ok(None),
            Part::Eof => Err(self.ends()),
        }
    }

    /// Goes into the element of this name, which must come next.
    fn open(&mut self, name: &'static str) -> Result<()> {
        match self.child()? {
            Some(start) => self.expect(&start, name),
            None => Err(self.missing(name)),
        }
    }

    /// Leaves the open element, in which nothing may follow.
    fn close(&mut self) -> Result<()> {
        match self.child()? {
            None => Ok(()),
            Some(_) => Err(self.fault(text!("an element too many", "un élément de trop"))),
        }
    }

    fn expect(&self, start: &BytesStart<'_>, name: &'static str) -> Result<()> {
        if start.name().as_ref() == name { Ok(()) } else { Err(self.missing(name)) }
    }

    fn missing(&self, name: &str) -> XmlRpcError {
        self.fault(text!("the element `{name}` is missing here", "l'élément `{name}` manque ici"))
    }

    fn mixed(&self) -> XmlRpcError {
        self.fault(text!("text and elements are mixed", "texte et éléments sont mêlés"))
    }

    fn ends(&self) -> XmlRpcError {
        self.fault(text!("the document ends too early", "le document finit trop tôt"))
    }

    fn fault(&self, message: Text) -> XmlRpcError {
        XmlRpcError { position: self.reader.buffer_position(), message }
    }
}

/// A number or truth; `None` for another text.
fn scalar(kind: &str, text: &str) -> Option<Value> {
    match kind.strip_prefix("ex:").unwrap_or(kind) {
        "boolean" => match text {
            "1" => Some(Value::Bool(true)),
            "0" => Some(Value::Bool(false)),
            _ => None,
        },
        "double" | "float" => text.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Float),
        _ => text.parse().ok().map(Value::Int),
    }
}

fn base64_text(text: &str) -> Option<String> {
    let packed: String = text.split_ascii_whitespace().collect();
    String::from_utf8(STANDARD.decode(packed).ok()?).ok()
}

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// An answer with one value.
///
/// Integers beyond 32 bits are of the type `i8`, and what has no value, numbers without a finite value included, is
/// `nil`: both are extensions that clients know. Characters that XML cannot hold become U+FFFD.
pub fn write_response(value: &Value) -> String {
    let mut document = format!("{DECLARATION}<methodResponse><params><param>");
    write_value(value, &mut document);
    document.push_str("</param></params></methodResponse>\n");
    document
}

/// An answer that tells a failure.
pub fn write_fault(code: i64, text: &str) -> String {
    let mut document = format!("{DECLARATION}<methodResponse><fault>");
    write_value(&Value::members([("faultCode", code.into()), ("faultString", text.into())]), &mut document);
    document.push_str("</fault></methodResponse>\n");
    document
}

fn write_value(value: &Value, out: &mut String) {
    out.push_str("<value>");
    match value {
        Value::Null => out.push_str("<nil/>"),
        Value::Bool(truth) => out.push_str(&format!("<boolean>{}</boolean>", u8::from(*truth))),
        Value::Int(number) if i32::try_from(*number).is_ok() => out.push_str(&format!("<int>{number}</int>")),
        Value::Int(number) => out.push_str(&format!("<i8>{number}</i8>")),
        // Never an exponent, which XML-RPC does not have.
        Value::Float(number) if number.is_finite() => out.push_str(&format!("<double>{number}</double>")),
        Value::Float(_) => out.push_str("<nil/>"),
        Value::Text(text) => out.push_str(&format!("<string>{}</string>", xml_text(text))),
        Value::List(items) => {
            out.push_str("<array><data>");
            items.iter().for_each(|item| write_value(item, out));
            out.push_str("</data></array>");
        }
        Value::Struct(members) => {
            out.push_str("<struct>");
            for (name, value) in members {
                out.push_str(&format!("<member><name>{}</name>", xml_text(name)));
                write_value(value, out);
                out.push_str("</member>");
            }
            out.push_str("</struct>");
        }
    }
    out.push_str("</value>");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn call(params: &str) -> String {
        format!("<?xml version=\"1.0\"?><methodCall><methodName>m</methodName><params>{params}</params></methodCall>")
    }

    fn read(value: &str) -> Result<Value> {
        let document = call(&format!("<param>{value}</param>"));
        let read = read_call(document.as_bytes(), 1000)?;
        assert_eq!((read.method.as_str(), read.params.len()), ("m", 1));
        Ok(read.params[0].clone())
    }

    #[rstest]
    #[case("<value><int> 41 </int></value>", Value::Int(41))]
    #[case("<value><i4>-7</i4></value>", Value::Int(-7))]
    #[case("<value><i8>1700000000000</i8></value>", Value::Int(1_700_000_000_000))]
    #[case("<value><ex:i8>5</ex:i8></value>", Value::Int(5))]
    #[case("<value><boolean>1</boolean></value>", Value::Bool(true))]
    #[case("<value><double>-1.25</double></value>", Value::Float(-1.25))]
    #[case("<value><string> a&lt;b &#233; <![CDATA[<&>]]></string></value>", Value::text(" a<b é <&>"))]
    #[case("<value>plain &amp; simple</value>", Value::text("plain & simple"))]
    #[case("<value/>", Value::text(""))]
    #[case("<value> <!-- c --> <string/></value>", Value::text(""))]
    #[case("<value><dateTime.iso8601>20240101T09:00:00</dateTime.iso8601></value>", Value::text("20240101T09:00:00"))]
    #[case("<value><base64>\n w6l0\n w6k=</base64></value>", Value::text("été"))]
    #[case("<value><nil/></value>", Value::Null)]
    #[case("<value><ex:nil></ex:nil></value>", Value::Null)]
    #[case("<value><array><data/></array></value>", Value::List(Vec::new()))]
    #[case("<value><struct/></value>", Value::Struct(Vec::new()))]
    #[case(
        "<value>\n<struct><member><name>a</name><value>1</value></member> <member><name>a</name><value>2</value></member></struct></value>",
        Value::members([("a", "2".into())])
    )]
    fn values_are_read(#[case] text: &str, #[case] expected: Value) {
        assert_eq!(read(text), Ok(expected));
    }

    #[rstest]
    #[case("<value><int>4.5</int></value>")]
    #[case("<value><int></int></value>")]
    #[case("<value><boolean>true</boolean></value>")]
    #[case("<value><double>inf</double></value>")]
    #[case("<value><base64>/w==</base64></value>")]
    #[case("<value><nil>x</nil></value>")]
    #[case("<value><date>1</date></value>")]
    #[case("<value>a<int>1</int></value>")]
    #[case("<value><int>1</int>a</value>")]
    #[case("<value><int>1</int><int>2</int></value>")]
    #[case("<value><string>&nbsp;</string></value>")]
    #[case("<value><string>&#0;</string></value>")]
    #[case("<value><string>&#8;</string></value>")]
    #[case("<value>\u{1}</value>")]
    #[case("<value><array><value>1</value></array></value>")]
    #[case("<value><struct><member><value>1</value></member></struct></value>")]
    #[case("<value a=1>x</value>")]
    #[case("<int>1</int>")]
    #[case("<value>x</string>")]
    #[case("")]
    fn what_is_no_value_is_refused_with_its_position(#[case] text: &str) {
        let error = read(text).unwrap_err();
        assert!(error.position > 20, "{error}");
        assert!(!error.message.fr.is_empty() && error.message.fr != error.message.en);
    }

    #[rstest]
    #[case("")]
    #[case("<methodCall>")]
    #[case("<methodCall><methodName>m</methodName></methodCall><x/>")]
    #[case("<methodCall><methodName>m</methodName></methodCall>x")]
    #[case("<methodCall><methodName> </methodName></methodCall>")]
    #[case("<methodCall><methodName>a b</methodName></methodCall>")]
    #[case("<methodResponse><methodName>m</methodName></methodResponse>")]
    #[case("<!DOCTYPE x [<!ENTITY a 'b'>]><methodCall><methodName>m</methodName></methodCall>")]
    #[case("<methodCall><?xml version='1.0'?><methodName>m</methodName></methodCall>")]
    #[case("<?xml version='1.0' encoding='UTF-16'?><methodCall><methodName>m</methodName></methodCall>")]
    #[case("<methodCall><methodName>m</methodName><params/><params/></methodCall>")]
    #[case("<methodCall/>")]
    fn what_is_no_call_is_refused(#[case] text: &str) {
        assert!(read_call(text.as_bytes(), 10).is_err());
    }

    #[test]
    fn a_call_needs_no_parameters_and_may_be_in_latin_1() {
        let empty = read_call(b"\xef\xbb\xbf<methodCall><methodName>a.b:c/d</methodName></methodCall>\n", 0).unwrap();
        assert_eq!(empty, MethodCall { method: "a.b:c/d".to_owned(), params: Vec::new() });
        let text = call("<param><value>\u{e9}</value></param>").replace("\"1.0\"", "\"1.0\" encoding=\"iso-8859-1\"");
        let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        assert_eq!(read_call(&latin, 1).unwrap().params, [Value::text("é")]);
        let error = read_call(b"<methodCall>\xff", 1).unwrap_err();
        assert_eq!(error.position, 12);
    }

    #[test]
    fn depth_and_number_of_values_are_limited() {
        let nested = |depth: usize| {
            let inner = depth - 1;
            "<value><array><data>".repeat(inner) + "<value>x</value>" + &"</data></array></value>".repeat(inner)
        };
        assert!(read(&nested(32)).is_ok());
        assert!(read(&nested(33)).unwrap_err().to_string().contains("32 deep"));
        assert!(read(&nested(5000)).is_err());
        let three = call(&"<param><value>x</value></param>".repeat(3));
        assert!(read_call(three.as_bytes(), 3).is_ok());
        assert!(read_call(three.as_bytes(), 2).unwrap_err().to_string().contains("too many values"));
    }

    #[test]
    fn answers_have_the_form_that_clients_know() {
        let answer = Value::members([("status", 200.into()), ("errors", Value::List(vec![Value::List(Vec::new())]))]);
        let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<methodResponse><params><param><value><struct>\
            <member><name>status</name><value><int>200</int></value></member><member><name>errors</name><value><array>\
            <data><value><array><data></data></array></value></data></array></value></member></struct></value></param>\
            </params></methodResponse>\n";
        assert_eq!(write_response(&answer), expected);
        let fault = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<methodResponse><fault><value><struct><member>\
            <name>faultCode</name><value><int>-5</int></value></member><member><name>faultString</name><value><string>\
            a &lt;b&gt;</string></value></member></struct></value></fault></methodResponse>\n";
        assert_eq!(write_fault(-5, "a <b>"), fault);
        assert!(write_response(&Value::Int(2_147_483_648)).contains("<i8>2147483648</i8>"));
        assert!(write_response(&Value::Float(f64::NAN)).contains("<nil/>"));
        assert!(write_response(&Value::Float(1e21)).contains("<double>1000000000000000000000</double>"));
    }

    /// Values with texts that XML can hold.
    fn values() -> impl Strategy<Value = Value> {
        let text = || any::<String>().prop_map(|text| text.chars().filter(|c| is_allowed(*c)).collect::<String>());
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::Float),
            text().prop_map(Value::Text),
            "[ \t\r\n<>&\\]\"']{0,6}".prop_map(Value::Text),
        ];
        leaf.prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
                prop::collection::btree_map(text(), inner, 0..4)
                    .prop_map(|members| Value::Struct(members.into_iter().collect())),
            ]
        })
    }

    /// Reads to the end; the document is well formed, with all of its elements closed.
    fn parses(document: &str) -> std::result::Result<(), quick_xml::Error> {
        let mut reader = Reader::from_str(document);
        reader.config_mut().enable_all_checks(true);
        let mut open = 0;
        loop {
            match reader.read_event()? {
                Event::Start(_) => open += 1,
                Event::End(_) => open -= 1,
                Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!(open, 0);
        Ok(())
    }

    proptest! {
        #[test]
        fn any_value_survives(value in values()) {
            let mut written = String::new();
            write_value(&value, &mut written);
            prop_assert_eq!(read(&written), Ok(value));
        }

        #[test]
        fn any_text_is_written_well_formed(text in any::<String>(), code in any::<i64>()) {
            prop_assert!(parses(&write_fault(code, &text)).is_ok());
            prop_assert!(parses(&write_response(&Value::Struct(vec![(text.clone(), Value::Text(text))]))).is_ok());
        }

        #[test]
        fn changed_bytes_are_read_or_refused(
            value in values(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut written = String::new();
            write_value(&value, &mut written);
            let mut bytes = call(&format!("<param>{written}</param>")).into_bytes();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let _ = read_call(&bytes, 100);
            bytes.truncate(cut.index(bytes.len()));
            let _ = read_call(&bytes, 100);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_call(&bytes, 100);
        }
    }
}
