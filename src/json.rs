//! JSON text to values and back.
//!
//! In WebAssembly the platform's own `JSON` does the work: a parser would cost
//! 27 KB (brotli), and serde's deserialisation 16 KB, most of it to print
//! numbers in errors that nobody reads.

use serde::Serialize;

/// A JSON value, to be asked for what is expected of it.
pub(crate) struct Json(Value);

#[cfg(not(target_arch = "wasm32"))]
use serde_json::Value;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen::JsValue as Value;

#[cfg(not(target_arch = "wasm32"))]
impl Json {
    /// Reads `text`; `None` when it is no JSON.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().map(Self)
    }

    /// The member called `name`.
    pub(crate) fn member(&self, name: &str) -> Option<Self> {
        self.0.get(name).filter(|value| !value.is_null()).cloned().map(Self)
    }

    /// The text that it is.
    pub(crate) fn text(&self) -> Option<String> {
        self.0.as_str().map(Into::into)
    }

    /// The number that it is.
    pub(crate) fn number(&self) -> Option<f64> {
        self.0.as_f64()
    }

    /// The text that it is, else its JSON.
    pub(crate) fn as_text(&self) -> String {
        self.text().unwrap_or_else(|| self.0.to_string())
    }

    /// The items of the array that it is.
    pub(crate) fn items(&self) -> Option<Vec<Self>> {
        Some(self.0.as_array()?.iter().cloned().map(Self).collect())
    }
}

#[cfg(target_arch = "wasm32")]
impl Json {
    /// Reads `text`; `None` when it is no JSON.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        js_sys::JSON::parse(text).ok().map(Self)
    }

    /// Takes a value of JavaScript's.
    pub(crate) fn of(value: Value) -> Self {
        Self(value)
    }

    /// Whether the member called `name` is true, or as good as.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.member(name).is_some_and(|member| member.0.is_truthy())
    }

    /// The member called `name`.
    pub(crate) fn member(&self, name: &str) -> Option<Self> {
        let member = js_sys::Reflect::get(&self.0, &name.into()).ok()?;
        (!member.is_null() && !member.is_undefined()).then_some(Self(member))
    }

    /// The text that it is.
    pub(crate) fn text(&self) -> Option<String> {
        self.0.as_string()
    }

    /// The number that it is.
    pub(crate) fn number(&self) -> Option<f64> {
        self.0.as_f64()
    }

    /// The text that it is, else its JSON.
    pub(crate) fn as_text(&self) -> String {
        let json = || js_sys::JSON::stringify(&self.0).ok().map(Into::into);
        self.text().or_else(json).unwrap_or_default()
    }

    /// The items of the array that it is.
    pub(crate) fn items(&self) -> Option<Vec<Self>> {
        let is_array = js_sys::Array::is_array(&self.0);
        is_array.then(|| js_sys::Array::from(&self.0).iter().map(Self).collect())
    }
}

impl Json {
    /// The text of the member called `name`.
    pub(crate) fn member_text(&self, name: &str) -> Option<String> {
        self.member(name)?.text()
    }

    /// The member called `name`, if it is a whole number.
    pub(crate) fn member_whole(&self, name: &str) -> Option<u64> {
        self.member(name)?.whole()
    }

    /// The count, size or time that it is; not `-1`, `NaN` or what is too
    /// large to be exact. Fractions are cut off.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // in range by the filter
    pub(crate) fn whole(&self) -> Option<u64> {
        self.number().filter(|value| (0.0..9e15).contains(value)).map(|value| value as u64)
    }
}

/// A JSON object in the making.
pub(crate) struct Record(Members);

#[cfg(not(target_arch = "wasm32"))]
type Members = serde_json::Map<String, Value>;
#[cfg(target_arch = "wasm32")]
type Members = js_sys::Object;

impl Record {
    /// No members yet.
    pub(crate) fn new() -> Self {
        Self(Members::new())
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl Record {
    /// Gives it a member.
    pub(crate) fn set<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        self.0.insert(name.into(), serde_json::to_value(value).expect("it has a JSON form"));
    }

    /// Writes it.
    pub(crate) fn text(self) -> String {
        Value::Object(self.0).to_string()
    }
}

#[cfg(target_arch = "wasm32")]
impl Record {
    /// Gives it a member.
    pub(crate) fn set<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        let value = serde_wasm_bindgen::to_value(value).unwrap_or_default();
        // Defining a property of a plain new object cannot fail.
        let _ = js_sys::Reflect::set(&self.0, &name.into(), &value);
    }

    /// Writes it.
    pub(crate) fn text(self) -> String {
        js_sys::JSON::stringify(&self.0).ok().map(Into::into).unwrap_or_default()
    }
}

/// `text` as a JSON string.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// `text` as a JSON string.
#[cfg(target_arch = "wasm32")]
pub(crate) fn quoted(text: &str) -> String {
    js_sys::JSON::stringify(&text.into()).ok().map(Into::into).unwrap_or_default()
}
