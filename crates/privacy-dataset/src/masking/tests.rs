use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const ANN: &str = "ann@example.com";

fn strategy(name: &str, configuration: &Value) -> MaskingStrategy {
    MaskingStrategy::parse(name, configuration).unwrap()
}

/// Derived from the key 00 01 .. 1f.
fn secrets() -> MaskingSecrets {
    MaskingSecrets::from_key(&std::array::from_fn(|index| u8::try_from(index).unwrap()))
}

/// The secrets of Fides' own tests; only its AES key is shorter.
fn fides_secrets() -> MaskingSecrets {
    MaskingSecrets {
        hash_salt: "adobo".to_owned(),
        hmac_key: "test_key".to_owned(),
        hmac_salt: "test_salt".to_owned(),
        aes_key: std::array::from_fn(|index| u8::try_from(index).unwrap()),
        aes_nonce_key: "other_key".to_owned(),
        aes_nonce_salt: "some_salt".to_owned(),
    }
}

fn mask_with(secrets: &MaskingSecrets, strategy: &MaskingStrategy, value: &str, max: Option<usize>) -> Masked {
    strategy.mask(value, max, secrets, &mut |_| panic!("{} needs nothing random", strategy.name()))
}

fn mask(strategy: &MaskingStrategy, value: &str, max: Option<usize>) -> Masked {
    mask_with(&secrets(), strategy, value, max)
}

// `assert_eq!` cannot show why it fails, as `Masked` shows no text.
#[track_caller]
fn assert_text(masked: &Masked, expected: &str) {
    let Masked::Text(masked) = masked else { panic!("{masked:?} instead of {expected}") };
    assert_eq!(masked, expected);
}

// Python's hashlib and hmac: `new(algorithm, value + salt)` and `hmac.new(key, value + salt, algorithm)`. Fides' own tests
// expect the same four texts.
#[test]
fn hash_and_hmac_are_those_of_fides() {
    let known = [
        ("hash", "SHA-256", "monkey", "1c015e801323afa54bde5e4d510809e6b5f14ad9b9961c48cbd7143106b6e596"),
        (
            "hash",
            "SHA-512",
            "monkey",
            "527ca44f5c95400d161c503e6ddad7be01941ec9e7a03c2201338a16ba8a36bb\
             765a430bd6b276a590661154f3f743a3a91efecd056645b4ea13b4b8cf39e8e3",
        ),
        ("hmac", "SHA-256", "my_data", "df1e66dc2262ae3336f36294811f795b075900287e0a1add7974eacea8a52970"),
        (
            "hmac",
            "SHA-512",
            "my_data",
            "0b4b968fa95510640bff35404ca89c146769e0a88cd4a6c15843176735a0820e\
             ec0f6580a21fd2b6b30f130cef01ccb4c5ab1d63387c4153ce8fc507e52efbaf",
        ),
    ];
    for (name, algorithm, value, expected) in known {
        let strategy = strategy(name, &json!({ "algorithm": algorithm }));
        assert_text(&mask_with(&fides_secrets(), &strategy, value, None), expected);
    }
}

// Python's cryptography: `nonce = hmac.new(nonce_key, value + nonce_salt, sha256).digest()[:12]`, then
// `b64encode(AESGCM(key).encrypt(nonce, value, nonce))`. With the 16-byte key of Fides' own test the same lines give what
// that test expects.
#[test]
fn aes_encrypt_is_that_of_fides_with_a_key_of_32_bytes() {
    let masked = mask_with(&fides_secrets(), &strategy("aes_encrypt", &json!(null)), "2000-01-01 00:00:00", None);
    assert_text(&masked, "uXAnsPir05otF05rThIqMxilCazX3Ker5aUKljdEU2wt9bo=");
}

// As above, with secrets `hmac.new(key, b"privacy-dataset masking: " + label, sha256).digest()`, texts of them in
// `urlsafe_b64encode` without `=`. Whoever changes them changes what is in databases already.
#[test]
fn derived_secrets_stay_what_they_are() {
    let known = [
        ("hash", ANN, "9a0f1d8d83e2c38d68c6b94d823baf9314e438b0645351dd555c46a5ba3f37da"),
        ("hmac", ANN, "10472fd12c58f3823a28b8848156fb21605c33d67a2a6ac07c720aaa69ccddde"),
        ("aes_encrypt", ANN, "B+af3AEYo02fmfhb/pQWvYBGw+SRJfVaVcGNwybUGw=="),
        ("aes_encrypt", "Zoë 🦀", "KHJKPQ6b7DPRm9lDKWfgtrjMT12BztUFGA=="),
    ];
    for (name, value, expected) in known {
        assert_text(&mask(&strategy(name, &json!(null)), value, None), expected);
    }
    let other = MaskingSecrets::from_key(&[7; 32]);
    let default = MaskingStrategy::default();
    assert_ne!(mask_with(&other, &default, ANN, None), mask(&default, ANN, None));
}

#[test]
fn random_string_rewrite_is_random() {
    let random = |configuration, fill: &mut dyn FnMut(&mut [u8])| {
        let Masked::Text(text) = strategy("random_string_rewrite", &configuration).mask(ANN, None, &secrets(), fill)
        else {
            panic!("a text");
        };
        text
    };
    let mut next = 0_u8;
    let mut count = |bytes: &mut [u8]| {
        bytes.fill_with(|| {
            next = next.wrapping_add(1);
            next
        });
    };
    let (one, two) = (random(json!(null), &mut count), random(json!(null), &mut count));
    assert_ne!(one, two);
    assert_eq!(one.len(), 30);
    assert!(one.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()), "{one}");
    let configuration = json!({ "length": 3, "format_preservation": { "suffix": "@masked.com" } });
    assert_eq!(random(configuration, &mut |bytes| bytes.fill(0)), "000@masked.com");
    // 2^32 - 1 is 3 modulo 36: a source that is stuck does not hang.
    assert_eq!(random(json!({ "length": 2 }), &mut |bytes| bytes.fill(0xff)), "33");
}

#[test]
fn an_empty_text_stays_unless_all_becomes_null() {
    for name in ["hash", "hmac", "aes_encrypt", "random_string_rewrite", "preserve"] {
        assert_eq!(mask(&strategy(name, &json!({})), "", None), Masked::Kept, "{name}");
    }
    assert_eq!(mask(&strategy("string_rewrite", &json!({ "rewrite_value": "x" })), "", None), Masked::Kept);
    assert_eq!(mask(&strategy("null_rewrite", &json!({})), "", None), Masked::Null);
    assert_eq!(mask(&strategy("null_rewrite", &json!({})), ANN, Some(3)), Masked::Null);
    assert_eq!(mask(&strategy("preserve", &json!({})), ANN, Some(3)), Masked::Kept);
}

#[test]
fn a_text_is_cut_before_its_suffix() {
    let rewrite =
        strategy("string_rewrite", &json!({ "rewrite_value": "mäßked", "format_preservation": { "suffix": "@ü.de" } }));
    let cut = |max| mask(&rewrite, ANN, max);
    for (max, expected) in [
        (None, "mäßked@ü.de"),
        (Some(11), "mäßked@ü.de"),
        (Some(10), "mäßke@ü.de"),
        (Some(7), "mä@ü.de"),
        (Some(5), "@ü.de"),
        (Some(2), "@ü"),
        (Some(0), ""),
    ] {
        assert_text(&cut(max), expected);
    }
    let hmac = strategy("hmac", &json!({ "format_preservation": { "suffix": "@masked.com" } }));
    assert_text(&mask(&hmac, ANN, Some(20)), "10472fd12@masked.com");
}

#[test]
fn ciphertext_that_does_not_fit_becomes_null() {
    let plain = strategy("aes_encrypt", &json!({ "mode": "GCM", "format_preservation": null }));
    assert_text(&mask(&plain, ANN, Some(44)), "B+af3AEYo02fmfhb/pQWvYBGw+SRJfVaVcGNwybUGw==");
    assert_eq!(mask(&plain, ANN, Some(43)), Masked::Null);
    let suffixed = strategy("aes_encrypt", &json!({ "format_preservation": { "suffix": "-ü" } }));
    assert_text(&mask(&suffixed, ANN, Some(46)), "B+af3AEYo02fmfhb/pQWvYBGw+SRJfVaVcGNwybUGw==-ü");
    assert_eq!(mask(&suffixed, ANN, Some(45)), Masked::Null);
}

#[test]
fn a_strategy_says_what_it_does() {
    let says = |name, configuration| {
        let strategy = strategy(name, &configuration);
        assert_eq!(strategy.name(), name);
        [strategy.is_reversible(), strategy.is_constant(), strategy.is_null(), strategy.preserves()]
    };
    assert_eq!(says("aes_encrypt", json!(null)), [true, false, false, false]);
    assert_eq!(says("string_rewrite", json!({ "rewrite_value": "" })), [false, true, false, false]);
    assert_eq!(says("null_rewrite", json!(null)), [false, false, true, false]);
    assert_eq!(says("preserve", json!(null)), [false, false, false, true]);
    for name in ["hash", "hmac", "random_string_rewrite"] {
        assert_eq!(says(name, json!(null)), [false; 4]);
    }
    assert_eq!(MaskingStrategy::default(), strategy("hmac", &json!({ "algorithm": "SHA-256" })));
}

#[test]
fn errors_say_what_to_write() {
    let errors = [
        (("hmca", json!(null)), "there is no masking strategy `hmca`; known are `hmac`, `hash`, `preserve` and 4 more"),
        (
            ("hash", json!(["SHA-256"])),
            "the configuration of `hash` is [\"SHA-256\"]: write a mapping of its parameters, or leave it out",
        ),
        (
            ("hmac", json!({ "algoritm": "SHA-512" })),
            "`hmac` has no parameter `algoritm`; known: `algorithm`, `format_preservation`",
        ),
        (("preserve", json!({ "length": 3 })), "`preserve` has no parameter `length`; there is none at all"),
        (
            ("hmac", json!({ "format_preservation": { "sufix": "x" } })),
            "`hmac` has no parameter `format_preservation.sufix`; known: `format_preservation.suffix`",
        ),
        (("string_rewrite", json!(null)), "`string_rewrite` needs `rewrite_value`: add it to the configuration"),
        (
            ("hash", json!({ "format_preservation": {} })),
            "`hash` needs `format_preservation.suffix`: add it to the configuration",
        ),
        (("string_rewrite", json!({ "rewrite_value": 7 })), "`rewrite_value` of `string_rewrite` is 7: use a text"),
        (
            ("hash", json!({ "format_preservation": "x" })),
            "`format_preservation` of `hash` is \"x\": use a mapping with `suffix`",
        ),
        (
            ("hash", json!({ "format_preservation": { "suffix": null } })),
            "`format_preservation.suffix` of `hash` is null: use a text",
        ),
        (("hmac", json!({ "algorithm": "MD5" })), "`algorithm` of `hmac` is \"MD5\": use SHA-256 or SHA-512"),
        (("aes_encrypt", json!({ "mode": "CBC" })), "`mode` of `aes_encrypt` is \"CBC\": use GCM"),
    ];
    for ((name, configuration), expected) in errors {
        assert_eq!(MaskingStrategy::parse(name, &configuration).unwrap_err().to_string(), expected);
    }
    for length in [json!(0), json!(-1), json!(1.5), json!("30"), json!(65_536)] {
        let error = MaskingStrategy::parse("random_string_rewrite", &json!({ "length": length })).unwrap_err();
        let expected = format!("`length` of `random_string_rewrite` is {length}: use a whole number from 1 to 65535");
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn the_longest_category_of_the_policy_decides() {
    let rewrite = |value: &str| strategy("string_rewrite", &json!({ "rewrite_value": value }));
    let by_category = BTreeMap::from(
        ["user.contact", "user.contact.email", "user.payment", "system"].map(|name| (name.to_owned(), rewrite(name))),
    );
    let policy = MaskingPolicy::new(rewrite("default"), by_category);
    let decides = |categories: &[&str]| {
        let strategy = policy.strategy_for(categories.iter().copied())?;
        policy.strategies().find(|(_, other)| *other == strategy).map(|(category, _)| category)
    };
    assert_eq!(decides(&["user.contact.email"]), Some("user.contact.email"));
    assert_eq!(decides(&["user.contact.email.work"]), Some("user.contact.email"));
    assert_eq!(decides(&["user.contact.phone_number"]), Some("user.contact"));
    assert_eq!(decides(&["user.payment.cvv", "user.contact.email"]), Some("user.contact.email"));
    assert_eq!(decides(&["user.contact", "user.payment"]), Some("user.contact"), "equally long, and first");
    assert_eq!(decides(&["user.contacts"]), Some("default"), "a category ends at a dot");
    assert_eq!(decides(&["user"]), Some("default"));
    assert_eq!(decides(&["system.operations", "user.name"]), Some("system"), "a category before the default");
    assert_eq!(decides(&["system.operations"]), Some("system"));
    assert_eq!(decides(&["users", "userinfo.name", "contact.user"]), None);
    assert_eq!(decides(&[]), None);
}

#[test]
fn more_names_are_longer_than_more_characters() {
    let rewrite = |value: &str| strategy("string_rewrite", &json!({ "rewrite_value": value }));
    let names = ["user.a.b", "user.biometric_health", "user.name"];
    let by_category = BTreeMap::from(names.map(|name| (name.to_owned(), rewrite(name))));
    let policy = MaskingPolicy::new(MaskingStrategy::default(), by_category);
    assert_eq!(policy.strategy_for(names), Some(&rewrite("user.a.b")));
    assert_eq!(policy.strategy_for(names[1..].iter().copied()), Some(&rewrite("user.biometric_health")));
}

#[test]
fn the_default_policy_is_hmac() {
    let policy = MaskingPolicy::default();
    assert_eq!(
        policy.strategies().map(|(category, s)| (category, s.name())).collect::<Vec<_>>(),
        [("default", "hmac")]
    );
    assert_eq!(policy.strategy_for(["user.name"]), Some(&MaskingStrategy::default()));
    assert_eq!(policy.strategy_for(["system"]), None);
}

#[test]
fn debug_shows_no_values_and_no_secrets() {
    assert_eq!(
        format!("{:?}", [Masked::Kept, Masked::Null, Masked::Text(ANN.to_owned())]),
        "[Kept, Null, Text([masked])]"
    );
    assert_eq!(format!("{:?}", fides_secrets()), "[masking secrets]");
}

fn any_strategy() -> impl Strategy<Value = MaskingStrategy> {
    let suffix = prop_oneof![Just(json!(null)), "\\PC{0,8}".prop_map(|suffix| json!({ "suffix": suffix }))];
    let own = prop_oneof![
        "\\PC{0,20}".prop_map(|text| ("string_rewrite", json!({ "rewrite_value": text }))),
        (1_u16..60).prop_map(|length| ("random_string_rewrite", json!({ "length": length }))),
        Just(("hash", json!({ "algorithm": "SHA-512" }))),
        Just(("hmac", json!({}))),
        Just(("aes_encrypt", json!({}))),
    ];
    (own, suffix).prop_map(|((name, mut configuration), suffix)| {
        configuration["format_preservation"] = suffix;
        strategy(name, &configuration)
    })
}

proptest! {
    #[test]
    fn no_text_is_longer_than_its_column(strategy in any_strategy(), value in "\\PC{1,40}", max in 0..100_usize) {
        match strategy.mask(&value, Some(max), &secrets(), &mut |bytes| bytes.fill(9)) {
            Masked::Text(text) => prop_assert!(text.chars().count() <= max),
            other => prop_assert!(other == Masked::Null && strategy.is_reversible()),
        }
    }

    // A shorter value may be in a digest by chance.
    #[test]
    fn hmac_never_holds_the_value(value in prop_oneof!["\\PC{12,60}", "[0-9a-f]{12,64}"]) {
        let Masked::Text(text) = mask(&MaskingStrategy::default(), &value, None) else { panic!("a text") };
        prop_assert!(!text.contains(&value));
    }
}
