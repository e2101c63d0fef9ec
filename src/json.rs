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

/// Writes `value`.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn to_string<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("plain structs have a JSON form")
}

/// Writes `value`.
#[cfg(target_arch = "wasm32")]
pub(crate) fn to_string<T: Serialize>(value: &T) -> String {
    let value = serde_wasm_bindgen::to_value(value).ok();
    let text = value.and_then(|value| js_sys::JSON::stringify(&value).ok());
    text.map(Into::into).unwrap_or_default()
}
