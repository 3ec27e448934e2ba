//! [`Shape`]: declarations of answers. XML names members that JSON leaves out, so its writer must know them all.

use super::exception::Exception;
use super::param::{Kind, has_markup};
use super::value::Value;

/// What an answer looks like.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// Nothing is answered.
    Nothing,
    /// One value.
    Scalar(Kind),
    /// Values of one shape.
    List(&'static Shape),
    /// Named members, in this order.
    Struct(&'static [Member]),
    /// What the value is.
    Any,
}

/// A member of a structure.
#[derive(Debug, Clone, Copy)]
pub struct Member {
    /// Its name.
    pub name: &'static str,
    /// What it looks like.
    pub shape: Shape,
}

/// A scalar member.
pub(crate) const fn member(name: &'static str, kind: Kind) -> Member {
    Member { name, shape: Shape::Scalar(kind) }
}

impl Shape {
    /// Checks an answer as Moodle does: a text with markup where none is declared is no answer.
    ///
    /// # Errors
    ///
    /// An invalid response that names the member.
    pub fn check(self, value: &Value) -> Result<(), Exception> {
        self.refuse(value).map_or(Ok(()), |reason| Err(Exception::invalid_response(reason)))
    }

    fn refuse(self, value: &Value) -> Option<String> {
        match (self, value) {
            (Self::Scalar(Kind::Text), Value::Text(text)) if has_markup(text) => {
                Some(format!("the value \"{text}\" holds markup"))
            }
            (Self::List(item), Value::List(items)) => items.iter().find_map(|value| item.refuse(value)),
            (Self::Struct(members), value) => members.iter().find_map(|member| {
                let reason = member.shape.refuse(value.get(member.name)?)?;
                Some(format!("{} => {reason}", member.name))
            }),
            _ => None,
        }
    }
}
