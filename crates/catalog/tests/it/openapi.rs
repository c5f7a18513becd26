use std::collections::HashSet;

use serde_json::Value;
use sori_catalog::Catalog;
use sori_db::testing::sqlite;

/// What client generators stumble over.
#[tokio::test]
async fn every_operation_is_described() {
    let database = sqlite().await;
    let (_, document) = Catalog::new(database.db.clone()).routes().split_for_parts();
    let document: Value = serde_json::from_str(&document.to_json().unwrap()).unwrap();
    let mut ids = HashSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let place = format!("{method} {path}");
            let id = operation["operationId"].as_str().expect(&place);
            assert!(ids.insert(id.to_owned()), "{place}: {id} twice");
            assert_eq!(operation["tags"].as_array().expect(&place).len(), 1, "{place}");
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{place}");
            for (status, response) in operation["responses"].as_object().unwrap() {
                assert!(!response["description"].as_str().unwrap().is_empty(), "{place} {status}");
                let is_empty = status == "204";
                assert_eq!(response["content"].is_null(), is_empty, "{place} {status}");
            }
            let named = path.matches('{').count();
            let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
            assert_eq!(parameters.iter().filter(|p| p["in"] == "path").count(), named, "{place}");
            for parameter in parameters {
                assert!(!parameter["name"].as_str().unwrap().is_empty(), "{place}");
                assert!(parameter["schema"].is_object(), "{place} {parameter}");
            }
        }
    }
    assert_eq!(ids.len(), 35);
    dangling(&document, &document);
}

/// Every `$ref` leads somewhere.
fn dangling(document: &Value, part: &Value) {
    match part {
        Value::Object(fields) => {
            if let Some(target) = fields.get("$ref").and_then(Value::as_str) {
                assert!(document.pointer(target.trim_start_matches('#')).is_some(), "{target}");
            }
            fields.values().for_each(|part| dangling(document, part));
        }
        Value::Array(items) => items.iter().for_each(|part| dangling(document, part)),
        _ => {}
    }
}
