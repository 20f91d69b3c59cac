//! What `kustomize build` makes of a folder, as far as ours go: resources, and patches that are
//! merged into the object of the same kind and name.
//!
//! A field of a kustomization that this does not know is refused, not passed over.

use serde_json::Value;

use super::documents::{Documents, entries, items, text};
use crate::text_files::has_extension;

/// The objects of the folder, or what cannot be rendered.
pub(crate) fn render(documents: &Documents, folder: &str) -> Result<Vec<Value>, String> {
    let path = format!("{folder}/kustomization.yaml");
    let kustomization = documents.first(&path);
    if kustomization.is_null() {
        return Err(format!("{path} is missing"));
    }
    let known = ["apiVersion", "kind", "resources", "patches"];
    if let Some((field, _)) = entries(kustomization, "").find(|(field, _)| !known.contains(field)) {
        return Err(format!("{path}: `{field}` is not rendered here"));
    }
    let mut objects = Vec::new();
    for resource in items(kustomization, "/resources").filter_map(Value::as_str) {
        let resource = join(folder, resource);
        if has_extension(&resource, "yaml") {
            let found = documents.all(&resource);
            if found.is_empty() {
                return Err(format!("{path}: no resource {resource}"));
            }
            objects.extend(found.iter().cloned());
        } else {
            objects.extend(render(documents, &resource)?);
        }
    }
    for patch in items(kustomization, "/patches") {
        let file = join(folder, text(patch, "/path"));
        let change = documents.first(&file);
        let changed = objects.iter_mut().find(|object| is_same(object, change));
        match changed {
            Some(object) => merge(object, change),
            None => return Err(format!("{file}: there is nothing that it patches")),
        }
    }
    Ok(objects)
}

fn is_same(object: &Value, patch: &Value) -> bool {
    ["/apiVersion", "/kind", "/metadata/name"]
        .iter()
        .all(|field| !text(patch, field).is_empty() && text(object, field) == text(patch, field))
}

/// Objects are merged, and everything else is replaced; lists are not ours to patch.
fn merge(target: &mut Value, patch: &Value) {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => {
            for (key, value) in patch {
                merge(target.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (target, patch) => *target = patch.clone(),
    }
}

fn join(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn documents(patch: &Value, extra: &Value) -> Documents {
        let mut overlay = json!({"resources": ["../../base"], "patches": [{"path": "patch.yaml"}]});
        merge(&mut overlay, extra);
        Documents::of(&[
            (
                "k/base/kustomization.yaml",
                json!({"resources": ["a.yaml"]}),
            ),
            (
                "k/base/a.yaml",
                json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "labels": {"x": "y"}}}),
            ),
            ("k/over/one/kustomization.yaml", overlay),
            ("k/over/one/patch.yaml", patch.clone()),
        ])
    }

    #[test]
    fn a_patch_is_merged_into_the_object_of_its_name() {
        let patch = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "annotations": {"n": "1"}}});
        let rendered = render(&documents(&patch, &json!({})), "k/over/one").unwrap();
        assert_eq!(
            rendered,
            [json!({"apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": "a", "labels": {"x": "y"}, "annotations": {"n": "1"}}})]
        );
    }

    #[test]
    fn a_patch_of_nothing_and_a_field_unknown_here_are_refused() {
        let stray = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "b"}});
        let error = render(&documents(&stray, &json!({})), "k/over/one").unwrap_err();
        assert!(error.contains("nothing that it patches"), "{error}");
        let unknown = json!({"components": ["c"]});
        let error = render(&documents(&stray, &unknown), "k/over/one").unwrap_err();
        assert!(error.contains("`components`"), "{error}");
        let missing = json!({"resources": ["gone.yaml"]});
        let error = render(&documents(&stray, &missing), "k/over/one").unwrap_err();
        assert!(error.contains("no resource"), "{error}");
    }
}
