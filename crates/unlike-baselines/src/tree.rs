//! One tree of an isolation forest: random splits until every sample is alone.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use unlike_core::Features;

/// A node; a branch is followed by its left child and everything below that.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Node {
    /// The feature that a branch looks at.
    pub(crate) feature: u32,
    /// Smaller values go left.
    pub(crate) threshold: f32,
    /// Where the right child is in the tree; 0 for a leaf.
    pub(crate) right: u32,
    /// How many of the tree's training samples came by.
    pub(crate) size: u32,
}

/// Nodes in the order of a depth-first walk, left before right.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tree(Vec<Node>);

impl Tree {
    /// Separates these samples, at most `depth` splits deep (Liu et al., algorithm 2).
    pub(crate) fn grow(
        features: &Features,
        positions: &mut [usize],
        depth: u32,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let mut grower = Grower {
            features,
            rng,
            order: (0..features.shape().size() as u32).collect(),
            nodes: Vec::with_capacity(2 * positions.len()),
        };
        grower.grow(positions, depth);
        Self(grower.nodes)
    }

    /// The tree of these nodes, if they are one: `None` if a walk could leave them, or if sizes do
    /// not add up.
    pub(crate) fn from_nodes(nodes: Vec<Node>, width: usize) -> Option<Self> {
        let sound = |(at, node): (usize, &Node)| {
            if node.right == 0 {
                return node.size >= 1;
            }
            let (Some(left), Some(right)) = (nodes.get(at + 1), nodes.get(node.right as usize))
            else {
                return false;
            };
            node.right as usize > at + 1
                && (node.feature as usize) < width
                && left.size >= 1
                && right.size >= 1
                && left.size.checked_add(right.size) == Some(node.size)
        };
        let sound = !nodes.is_empty() && nodes.iter().enumerate().all(sound);
        sound.then_some(Self(nodes))
    }

    /// All nodes.
    pub(crate) fn nodes(&self) -> &[Node] {
        &self.0
    }

    /// How many training samples the tree was grown on.
    pub(crate) fn size(&self) -> usize {
        self.0[0].size as usize
    }

    /// Follows a sample to its leaf; `visit` gets each branch and the child that is taken.
    pub(crate) fn walk(&self, sample: &[f32], mut visit: impl FnMut(&Node, &Node)) -> &Node {
        let mut at = 0;
        let mut node = &self.0[0];
        while node.right != 0 {
            let left = sample[node.feature as usize] < node.threshold;
            at = if left { at + 1 } else { node.right as usize };
            let child = &self.0[at];
            visit(node, child);
            node = child;
        }
        node
    }
}

struct Grower<'a> {
    features: &'a Features,
    rng: &'a mut ChaCha8Rng,
    /// All features, in the order in which the last split tried them.
    order: Vec<u32>,
    nodes: Vec<Node>,
}

impl Grower<'_> {
    fn grow(&mut self, positions: &mut [usize], depth: u32) {
        let at = self.nodes.len();
        let size = positions.len() as u32;
        self.nodes.push(Node {
            feature: 0,
            threshold: 0.0,
            right: 0,
            size,
        });
        if depth == 0 || size == 1 {
            return;
        }
        let Some((feature, threshold)) = self.split(positions) else {
            return;
        };
        let middle = partition(positions, |p| self.value(p, feature) < threshold);
        let (left, right) = positions.split_at_mut(middle);
        self.grow(left, depth - 1);
        let right_at = self.nodes.len() as u32;
        self.grow(right, depth - 1);
        self.nodes[at] = Node {
            feature,
            threshold,
            right: right_at,
            size,
        };
    }

    /// A feature that varies, and a threshold that leaves samples on both sides; none if the
    /// samples are equal.
    fn split(&mut self, positions: &[usize]) -> Option<(u32, f32)> {
        for tried in 0..self.order.len() {
            let other = self.rng.random_range(tried..self.order.len());
            self.order.swap(tried, other);
            let feature = self.order[tried];
            let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
            for &position in positions {
                let value = self.value(position, feature);
                low = low.min(value);
                high = high.max(value);
            }
            if low < high {
                let share: f64 = self.rng.random();
                let (low, high) = (f64::from(low), f64::from(high));
                // From 1 - [0, 1) in 64 bits, so that neither rounding nor overflow reaches `low`.
                let threshold = (low + (1.0 - share) * (high - low)) as f32;
                return Some((
                    feature,
                    if f64::from(threshold) > low {
                        threshold
                    } else {
                        high as f32
                    },
                ));
            }
        }
        None
    }

    fn value(&self, position: usize, feature: u32) -> f32 {
        self.features.sample(position)[feature as usize]
    }
}

/// Moves the positions that belong left to the front, and says how many there are.
fn partition(positions: &mut [usize], left: impl Fn(usize) -> bool) -> usize {
    let mut middle = 0;
    for i in 0..positions.len() {
        if left(positions[i]) {
            positions.swap(i, middle);
            middle += 1;
        }
    }
    middle
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use unlike_core::FeatureShape;

    fn leaf(size: u32) -> Node {
        Node {
            feature: 0,
            threshold: 0.0,
            right: 0,
            size,
        }
    }

    fn branch(right: u32, size: u32) -> Node {
        Node {
            feature: 1,
            threshold: 0.5,
            right,
            size,
        }
    }

    #[test]
    fn nodes_that_are_no_tree_are_refused() {
        let sound = vec![branch(4, 3), branch(3, 2), leaf(1), leaf(1), leaf(1)];
        assert!(Tree::from_nodes(sound.clone(), 2).is_some());
        assert!(
            Tree::from_nodes(sound, 1).is_none(),
            "a feature beyond the last"
        );
        let broken = [
            vec![],
            vec![leaf(0)],
            vec![branch(2, 2), leaf(1)],
            vec![branch(1, 2), leaf(1)],
            vec![branch(2, 3), leaf(1), leaf(1)],
            vec![branch(2, 1), leaf(1), leaf(0)],
            vec![branch(2, 2), leaf(1), branch(1, 1)],
        ];
        for nodes in broken {
            assert!(Tree::from_nodes(nodes.clone(), 2).is_none(), "{nodes:?}");
        }
    }

    #[test]
    fn values_at_the_ends_of_the_range_are_separated() {
        for (low, high) in [
            (1.0, 1.0 + f32::EPSILON),
            (f32::MIN, f32::MAX),
            (-f32::from_bits(1), 0.0),
            (0.0, f32::from_bits(1)),
        ] {
            let features = Features::new(FeatureShape::Row { width: 1 }, vec![low, high]);
            for seed in 0..20 {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                let tree = Tree::grow(&features, &mut [0, 1], 1, &mut rng);
                let sizes: Vec<u32> = tree.nodes().iter().map(|node| node.size).collect();
                assert_eq!(sizes, [2, 1, 1], "{low} {high}");
            }
        }
    }

    proptest! {
        /// What is grown is a tree, and takes each training sample to a leaf that counted it.
        #[test]
        fn grown_trees_are_sound_and_count_their_samples(
            values in prop::collection::vec(-3i8..3, 3..180),
            depth in 0u32..9,
            seed in any::<u64>(),
        ) {
            let values: Vec<f32> = values.iter().map(|&v| f32::from(v)).collect();
            let whole = values.len() / 3 * 3;
            let features = Features::new(FeatureShape::Row { width: 3 }, values[..whole].to_vec());
            let mut positions: Vec<usize> = (0..features.len()).collect();
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let tree = Tree::grow(&features, &mut positions, depth, &mut rng);
            prop_assert_eq!(tree.size(), features.len());
            prop_assert!(Tree::from_nodes(tree.nodes().to_vec(), 3).is_some());
            let mut arrivals = vec![0; tree.nodes().len()];
            for at in 0..features.len() {
                let mut length = 0;
                let leaf = tree.walk(features.sample(at), |_, _| length += 1);
                prop_assert!(length <= depth);
                let position = tree.nodes().iter().position(|node| std::ptr::eq(node, leaf));
                arrivals[position.unwrap()] += 1;
            }
            for (node, arrived) in tree.nodes().iter().zip(arrivals) {
                prop_assert!(node.right != 0 || node.size == arrived);
            }
        }
    }
}
