//! Datasets in short.

use privacy_dataset::Dataset;

/// One line a collection: `name: field field=email field>other.field field<other.field field-other.field`, where `=`
/// marks an identity and `>`, `<`, `-` are references with direction to, from and none. `!name` skips processing, `*field` is
/// a primary key, and `@category` after a field's name its data category.
pub(crate) fn shop(lines: &[&str]) -> Vec<Dataset> {
    Dataset::parse_all(&yaml("shop", lines)).unwrap()
}

pub(crate) fn yaml(key: &str, lines: &[&str]) -> String {
    let mut yaml = format!("dataset:\n  - fides_key: {key}\n    collections:\n");
    for line in lines {
        let (name, fields) = line.split_once(": ").unwrap();
        let skip = name.starts_with('!');
        let name = name.trim_start_matches('!');
        yaml += &format!("      - name: {name}\n        fides_meta: {{ skip_processing: {skip} }}\n        fields:\n");
        for field in fields.split(' ') {
            let (field, primary) = field.strip_prefix('*').map_or((field, ""), |field| (field, ", primary_key: true"));
            let (field, category) = field.split_once('@').unwrap_or((field, ""));
            let (name, meta) = match field.split_once(['=', '>', '<', '-']) {
                None => (field, String::new()),
                Some((name, kind)) if field.contains('=') => (name, format!("identity: {kind}")),
                Some((name, other)) => {
                    let direction = if field.contains('>') {
                        ", direction: to"
                    } else if field.contains('<') {
                        ", direction: from"
                    } else {
                        ""
                    };
                    let (dataset, other) = other.split_once(':').unwrap_or((key, other));
                    (name, format!("references: [{{ dataset: {dataset}, field: {other}{direction} }}]"))
                }
            };
            let meta = format!("{meta}{primary}").trim_start_matches(", ").to_owned();
            yaml +=
                &format!("          - {{ name: {name}, data_categories: [{category}], fides_meta: {{ {meta} }} }}\n");
        }
    }
    yaml
}
