import Analyses
import Device
import LinearAlgebra
import Support

extension SweepDocument {
  /// The models as points of a plane and as a tree, by one kind of distance.
  public struct Points: Codable, Sendable {
    /// What is taken for the distance of two models.
    public enum Distance: String, Codable, Sendable, CaseIterable {
      /// The mean angle between layers at equal relative depth.
      case equalDepth = "equal-depth"
      /// The mean angle between a layer and the one of the other model that is most like it.
      case bestMatch = "best-match"

      /// What pictures of such points are called.
      package var pointsName: String { "\(rawValue)-points" }
      /// What the matrix is called.
      var matrixName: String { "\(rawValue)-distances" }
    }

    /// Two clusters that become one. Number i below the number n of `models` is model `models[i]` alone, n + k the
    /// cluster of merge k, as in a linkage matrix of SciPy.
    public struct Merge: Codable, Sendable {
      /// The lower number.
      public package(set) var left: Int
      /// The higher number.
      public package(set) var right: Int
      /// The mean distance between models of one and models of the other, in radians.
      public package(set) var height: Double
      /// How many models are in the new cluster.
      public package(set) var count: Int
    }

    /// Whether architectures differ by more than seeds do: see `GroupSeparation`.
    public struct Separation: Codable, Sendable {
      /// The mean distance of two models of different architectures, in radians.
      public package(set) var between: Double
      /// The mean distance of two models of one architecture, in radians.
      public package(set) var within: Double
      /// The share of the sum of squares of distances that architectures explain: R², at most 1.
      public package(set) var explained: Double
      /// What architectures explain on average where models are divided at random.
      public package(set) var explainedByChance: Double
      /// The chance that models divided at random explain as much.
      public package(set) var p: Double
      /// How many random divisions were tried.
      public package(set) var permutations: Int
    }

    /// The distance that they show.
    public package(set) var distance: Distance
    /// Indices of models that have a point.
    public package(set) var models: [Int]
    /// Indices of models without a distance to some other.
    public package(set) var leftOut: [Int]
    /// Two numbers for each of `models`, in radians.
    public package(set) var points: [[Double]]
    /// How far the distances of the points are from those of the models: Kruskal's stress-1.
    public package(set) var stress: Double
    /// One fewer than `models`.
    public package(set) var merges: [Merge]
    /// Left out where there is one architecture alone, or one seed of each.
    public package(set) var separation: Separation?

    fileprivate init(_ distance: Distance, _ found: ModelPoints) {
      self.distance = distance
      models = found.models
      leftOut = found.leftOut
      points = found.models.indices.map { index in
        (0..<2).map { found.scaling.points[index, $0] }
      }
      stress = found.scaling.stress
      merges = found.dendrogram.merges.map {
        Merge(left: $0.left, right: $0.right, height: $0.height, count: $0.count)
      }
      separation = found.separation.map {
        Separation(
          between: $0.between, within: $0.within, explained: $0.explained,
          explainedByChance: $0.explainedByChance, p: $0.p,
          permutations: GroupSeparation.permutations)
      }
    }

    /// What is found, in lines: what groups say, and which models have no point.
    package func findings(of document: SweepDocument) -> [String] {
      let name =
        switch distance {
        case .equalDepth: "equal depth"
        case .bestMatch: "best match"
        }
      var lines: [String] = []
      if let separation {
        lines.append(
          """
          \(name): architectures explain \(Format.fixed(100 * separation.explained, 0)) % of the \
          squared distances (\(Format.fixed(100 * separation.explainedByChance, 0)) % by chance, \
          p = \(Format.fixed(separation.p, 3))); \(Format.fixed(separation.between, 3)) radians \
          between them, \(Format.fixed(separation.within, 3)) within
          """)
      }
      if !leftOut.isEmpty {
        let names = leftOut.map { oneLine(document.models[$0].name) }
        lines.append(
          "\(name): no point, for want of a distance to some model: "
            + listed(names, of: names.count))
      }
      return lines
    }
  }

  /// The models as points by every kind of distance; none of fewer than three models.
  ///
  /// - Throws: `LinearAlgebraError` where LAPACK finds no eigenvalues.
  package func allPoints() throws(LinearAlgebraError) -> [Points] {
    var found: [Points] = []
    for distance in Points.Distance.allCases {
      let points = Points(
        distance, try ModelPoints(distances(distance), groups: models.map(\.group)))
      if points.models.count >= 3 { found.append(points) }
    }
    return found
  }

  /// The matrices of distances.
  package var distanceFiles: [(name: String, bytes: [UInt8])] {
    let names = models.map(\.name)
    return Points.Distance.allCases.flatMap { distance in
      let matrix = distances(distance)
      return [
        ("\(distance.matrixName).npy", npy(matrix)),
        ("\(distance.matrixName).csv", csv(matrix, rows: names, columns: names)),
      ]
    }
  }

  /// Models × models, in radians; NaN where undefined. That of a model with itself is 0.
  package func distances(_ distance: Points.Distance) -> Matrix<Double> {
    var distances = Matrix<Double>(rows: models.count, columns: models.count, repeating: .nan)
    for pair in pairs {
      let value =
        switch distance {
        case .equalDepth: pair.distanceAtEqualDepth
        case .bestMatch: pair.distanceOfBestMatches
        }
      distances[pair.left, pair.right] = pair.left == pair.right ? 0 : value ?? .nan
      distances[pair.right, pair.left] = distances[pair.left, pair.right]
    }
    return distances
  }
}

extension SweepDocument.Points {
  /// The table of points.
  package func table(of document: SweepDocument) -> (name: String, bytes: [UInt8]) {
    var table = csvLine(["model", "group", "seed", "x", "y"])
    for (model, point) in zip(models, points) {
      let entry = document.models[model]
      table += csvLine([entry.name, entry.group, entry.seed ?? ""] + point.map { csvNumber($0) })
    }
    return ("\(distance.pointsName).csv", table)
  }

  /// Throws the first value that no command writes.
  func check(_ key: String, models count: Int) throws(DocumentFault) {
    let places = 0...count - 1
    try expect(models.count, within: 3...max(3, count), "\(key).models")
    for model in models + leftOut { try expect(model, within: places, "\(key).models") }
    try expect(count: models.count, of: points, "\(key).points")
    for (index, point) in points.enumerated() {
      try expect(count: 2, of: point, "\(key).points[\(index)]")
      for value in point { try expect(value, within: plainNumbers, "\(key).points[\(index)]") }
    }
    try expect(stress, within: plainNumbers, "\(key).stress")
    try expect(count: models.count - 1, of: merges, "\(key).merges")
    for (index, merge) in merges.enumerated() {
      let name = "\(key).merges[\(index)]"
      for branch in [merge.left, merge.right] {
        try expect(branch, within: 0...models.count + index - 1, name)
      }
      try expect(merge.height, within: plainNumbers, "\(name).height")
      try expect(merge.count, within: 2...count, "\(name).count")
    }
    if let separation {
      try expect(
        ["between": separation.between, "within": separation.within], within: plainNumbers,
        of: "\(key).separation")
      try expect(separation.explained, within: -1e100...(1 + 1e-9), "\(key).separation.explained")
      try expect(
        ["explainedByChance": separation.explainedByChance, "p": separation.p], within: fractions,
        of: "\(key).separation")
      try expect(separation.permutations, within: countable, "\(key).separation.permutations")
    }
  }
}
