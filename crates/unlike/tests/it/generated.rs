//! What models make of images.

use unlike::{
    Model, RunOptions, Samples, TrainConfig, core::Images, fit, models::Kind, train::Silent,
};

use crate::training::normals;

/// Brighter and darker versions of one image.
fn images(n: usize) -> Samples {
    let pixel = |i: usize| {
        let (image, at) = (i / 12, i % 12);
        (at as f32 / 6.0 - 1.0) * (0.5 + 0.5 * image as f32 / n as f32)
    };
    let ids = (0..n).map(|i| format!("{i}.png")).collect();
    Samples::Images(
        Images::new("images", [3, 4, 1], (0..12 * n).map(pixel).collect(), ids).unwrap(),
    )
}

fn trained(name: &str, samples: &Samples) -> Model {
    let config = TrainConfig::recommended_for(name, Kind::from(samples), samples.len()).unwrap();
    fit(&config, samples, &RunOptions::default(), &mut Silent).unwrap()
}

#[test]
fn reconstructions_are_images_of_the_same_names_and_survive_saving() {
    let samples = images(50);
    let model = trained("pca", &samples);
    let made = model.reconstructions(&samples).unwrap().unwrap();
    let Samples::Images(images) = &samples else {
        unreachable!("these are images");
    };
    assert_eq!((made.shape(), made.id(7)), (images.shape(), images.id(7)));
    for (a, b) in made.pixels().unwrap().iter().zip(images.pixels().unwrap()) {
        assert!((a - b).abs() < 0.05, "{a} {b}");
    }
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("model");
    model.save(&path).unwrap();
    let loaded = Model::load(&path).unwrap();
    assert_eq!(loaded.reconstructions(&samples).unwrap(), Some(made));
    assert!(loaded.trained_on(&samples).unwrap());
    assert_eq!(model.generated(3, 0).unwrap(), None);
}

#[test]
fn what_makes_no_images_says_so() {
    let samples = images(50);
    let forest = trained("iforest", &samples);
    assert_eq!(forest.reconstructions(&samples).unwrap(), None);
    assert!(!forest.trained_on(&samples.select(&[0, 1, 2])).unwrap());
    let table = Samples::Table(normals(50));
    let model = trained("pca", &table);
    assert_eq!(model.reconstructions(&table).unwrap(), None);
    assert_eq!(model.generated(3, 0).unwrap(), None);
    assert!(model.trained_on(&table).unwrap());
}
