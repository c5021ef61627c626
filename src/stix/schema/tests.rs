use super::*;

#[test]
fn every_type_of_the_standard_has_a_schema_that_compiles() {
    let count = |class| MODEL.types.values().filter(|found| found.class == class).count();
    assert_eq!(
        [Class::Sdo, Class::Sro, Class::Sco, Class::Meta, Class::Bundle].map(count),
        [19, 2, 18, 3, 1]
    );
    for found in MODEL.types.values() {
        for property in found.shape.properties() {
            assert_eq!(
                found.shape.position(property.name.as_bytes()).map(|at| &found.shape.properties()[at].name),
                Some(&property.name)
            );
        }
        assert!(found.shape.position(b"no_such_property").is_none());
    }
}

#[test]
fn shapes_tell_what_the_schemas_say() {
    let file = observable("file").unwrap();
    assert_eq!(file.property("size").unwrap().kind(), Kind::Integer);
    assert_eq!(file.property("hashes").unwrap().kind(), Kind::Hashes);
    assert_eq!(file.property("magic_number_hex").unwrap().kind(), Kind::Hex);
    assert_eq!(file.property("parent_directory_ref").unwrap().targets(), ["directory"]);
    let header = file.property("extensions").unwrap().property("windows-pebinary-ext").unwrap();
    let section = header.property("sections").unwrap().item().unwrap();
    assert_eq!(section.property("entropy").unwrap().kind(), Kind::Float);
    assert_eq!(observable("artifact").unwrap().property("payload_bin").unwrap().kind(), Kind::Binary);
    assert_eq!(
        observable("process").unwrap().property("environment_variables").unwrap().kind(),
        Kind::Dictionary
    );
    assert_eq!(
        observable("network-traffic").unwrap().property("ipfix").unwrap().item().unwrap().kind(),
        Kind::StringOrInteger
    );
    assert!(observable("indicator").is_none() && observable("x-new").is_none());
    assert_eq!(is_known_type("relationship"), Some(Class::Sro));
    assert_eq!(is_known_type("bundle"), None);
    let none: Option<&Vec<String>> = None;
    assert_eq!(find("indicator").unwrap().contributing.as_ref(), none);
    assert_eq!(find("process").unwrap().contributing.as_deref(), Some(&[][..]));
}

#[test]
fn a_schema_with_a_word_that_is_not_known_is_refused() {
    let wrong = [
        (r#"{"class":"sdo","properties":{"a":{"type":"string","maxLength":3}}}"#, "maxLength"),
        (r#"{"class":"sdo","properties":{"a":{"type":"text"}}}"#, "text"),
        (r#"{"class":"sdo","properties":{"a":{"format":"date"}}}"#, "date"),
        (r#"{"class":"sdo","properties":{},"required":["a"]}"#, "`a`"),
        (r#"{"class":"sdo","allOf":[{"$ref":"urn:liaison:schema:stix:nothing"}]}"#, "leads nowhere"),
        (r#"{"class":"sdo","properties":{"a":{"rule":"made.up"}}}"#, "made.up"),
        (r#"{"class":"sdo","properties":{"a":{}},"timeOrder":[["b",">","a"]]}"#, "`b`"),
    ];
    for (text, want) in wrong {
        let sources = compile::Sources::read(&[("x", text)]).unwrap();
        let error = sources.object_type("x").unwrap().err().unwrap();
        assert!(error.contains(want), "{text}: {error}");
    }
}

#[test]
fn the_files_are_json_schema_of_2020_12_that_another_implementation_reads() {
    let documents: Vec<(String, serde_json::Value)> = files()
        .map(|(name, text)| (format!("urn:liaison:schema:stix:{name}"), serde_json::from_str(text).unwrap()))
        .collect();
    let resources =
        documents.iter().map(|(id, tree)| (id.clone(), jsonschema::Resource::from_contents(tree.clone())));
    let registry = jsonschema::Registry::new().extend(resources).unwrap().prepare().unwrap();
    for (id, tree) in &documents {
        assert_eq!(tree["$id"], **id);
        assert!(jsonschema::draft202012::meta::is_valid(tree), "{id}");
        let validator = jsonschema::options().with_registry(&registry).build(tree);
        assert!(validator.is_ok(), "{id}: {:?}", validator.err());
    }
}
