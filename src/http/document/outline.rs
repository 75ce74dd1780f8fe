//! What a document can ever hold, told by the very types that are serialised, so that neither runs ahead of the other.

use std::collections::BTreeMap;

/// What stands at one place of a document, whether or not it is there now.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) enum Outline {
    /// A text, a number, true, false or null.
    Value,
    /// An object with these members and no others; some may be left out.
    Object(&'static [(&'static str, Outline)]),
    /// An object with a number for each of these names.
    Numbers(fn() -> Vec<&'static str>),
    /// An object whose names are not known beforehand.
    Map(&'static Outline),
    /// An array.
    Array(&'static Outline),
}

/// What has an outline.
pub(in crate::http) trait Outlined {
    /// Of its JSON.
    const OUTLINE: Outline;
}

/// Declares objects of a document with the outline that follows from them: `field: Type = "its name in JSON"`. Attributes
/// may leave a member out; they must not give it another name or form.
macro_rules! outlined {
    ($(
        $(#[$meta:meta])*
        struct $name:ident $(<$life:lifetime>)? {
            $( $(#[$about:meta])* $field:ident: $type:ty = $json:literal, )+
        }
    )+) => { $(
        $(#[$meta])*
        #[derive(serde::Serialize)]
        pub(in crate::http) struct $name $(<$life>)? {
            $( $(#[$about])* #[serde(rename = $json)] pub(in crate::http::document) $field: $type, )+
        }

        impl $(<$life>)? $crate::http::document::outline::Outlined for $name $(<$life>)? {
            const OUTLINE: $crate::http::document::outline::Outline =
                $crate::http::document::outline::Outline::Object(&[
                    $(($json, <$type as $crate::http::document::outline::Outlined>::OUTLINE),)+
                ]);
        }
    )+ };
}

pub(super) use outlined;

macro_rules! values {
    ($($type:ty)+) => { $(
        impl Outlined for $type {
            const OUTLINE: Outline = Outline::Value;
        }
    )+ };
}

values! { bool u16 u64 usize f64 str String }

impl<T: Outlined + ?Sized> Outlined for &T {
    const OUTLINE: Outline = T::OUTLINE;
}

impl<T: Outlined> Outlined for Option<T> {
    const OUTLINE: Outline = T::OUTLINE;
}

impl<T: Outlined> Outlined for Vec<T> {
    const OUTLINE: Outline = Outline::Array(&T::OUTLINE);
}

impl<T: Outlined> Outlined for BTreeMap<&str, T> {
    const OUTLINE: Outline = Outline::Map(&T::OUTLINE);
}
