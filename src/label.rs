//! How a module names the values of a metric's label: enums, so that no text of an error becomes a series.

/// The values of one label.
pub trait Label: Copy + PartialEq + 'static {
    /// The label's name.
    const NAME: &'static str;
    /// Every value, each once.
    const VALUES: &'static [Self];

    /// The value as text.
    fn text(self) -> &'static str;
}

/// Declares enums whose values are those of a label. The texts serve logs and documents as well.
macro_rules! labels {
    ($(
        $(#[$meta:meta])*
        $name:ident = $label:literal {
            $( $(#[$about:meta])* $value:ident = $text:literal, )+
        }
    )+) => { $(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $( $(#[$about])* $value, )+
        }

        impl $name {
            /// All, so that every series is there from the start.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];

            /// As a label.
            pub const fn label(self) -> &'static str {
                match self {
                    $(Self::$value => $text,)+
                }
            }
        }

        impl $crate::label::Label for $name {
            const NAME: &'static str = $label;
            const VALUES: &'static [Self] = Self::ALL;

            fn text(self) -> &'static str {
                self.label()
            }
        }
    )+ };
}

pub(crate) use labels;
