import Analyses
import Device
import TestSupport
import Testing

/// Networks as points, against SciPy and plain loops (`Tests/Fixtures/points.py`).
@Suite struct ModelPointsTests {
  private struct Expected: Decodable {
    struct Map: Decodable {
      var map: [[Double?]]
      var atEqualDepth: Double
      var ofBestMatches: Double
    }
    struct Case: Decodable {
      struct Separation: Decodable {
        var between: Double
        var within: Double
        var explained: Double
        /// Over all divisions.
        var p: Double
      }
      var name: String
      var groups: [String]
      var distances: [[Double]]
      var linkage: [[Double]]
      /// The least of many descents.
      var stress: Double
      var separation: Separation
    }
    var maps: [Map]
    var cases: [Case]
  }

  private let expected: Expected

  init() throws { expected = try fixture("points") }

  private func matrix(_ rows: [[Double]]) -> Matrix<Double> {
    Matrix(rows: rows.count, columns: rows[0].count, elements: rows.flatMap { $0 })
  }

  @Test func distancesAreMeanAngles() throws {
    for case let other in expected.maps {
      let map = matrix(other.map.map { $0.map { $0 ?? .nan } })
      let distance = ModelDistance(map)
      // arccos near 1 makes 1e-16 of a value 1e-8 of an angle; these values have four decimals.
      #expect(abs(distance.atEqualDepth - other.atEqualDepth) < 1e-12)
      #expect(abs(distance.ofBestMatches - other.ofBestMatches) < 1e-12)
      // The same whichever network comes first.
      let exchanged = ModelDistance(map.transposed)
      #expect(abs(exchanged.atEqualDepth - distance.atEqualDepth) < 1e-12)
      #expect(abs(exchanged.ofBestMatches - distance.ofBestMatches) < 1e-12)
    }
    let none = ModelDistance(Matrix(rows: 2, columns: 2, repeating: .nan))
    #expect(none.atEqualDepth.isNaN && none.ofBestMatches.isNaN)
    let above = ModelDistance(Matrix(rows: 1, columns: 1, repeating: 1.01))
    #expect(above.atEqualDepth == 0 && above.ofBestMatches == 0)
  }

  @Test func treesAreThoseOfSciPy() {
    for other in expected.cases {
      let merges = Dendrogram(matrix(other.distances)).merges
      #expect(merges.count == other.linkage.count)
      for (merge, row) in zip(merges, other.linkage) {
        #expect([Double(merge.left), Double(merge.right)] == [row[0], row[1]], "\(other.name)")
        #expect(abs(merge.height - row[2]) < 1e-12 && Double(merge.count) == row[3])
      }
    }
    #expect(Dendrogram(Matrix(rows: 1, columns: 1, repeating: 0)).merges.isEmpty)
    // Equal distances: the lowest numbers first, and no height falls by rounding.
    for count in 2...9 {
      var equal = Matrix<Double>(rows: count, columns: count, repeating: 0.7)
      for i in 0..<count { equal[i, i] = 0 }
      let merges = Dendrogram(equal).merges
      #expect(zip(merges, merges.dropFirst()).allSatisfy { $0.height <= $1.height })
      #expect(merges.allSatisfy { abs($0.height - 0.7) < 1e-15 })
      // Of clusters not yet merged, always the two of the lowest numbers.
      var left = Array(0..<count)
      for (index, merge) in merges.enumerated() {
        #expect([merge.left, merge.right] == Array(left.prefix(2)), "\(count)")
        left = left.dropFirst(2) + [count + index]
      }
    }
  }

  @Test func planesHaveTheLeastStress() throws {
    for other in expected.cases {
      let distances = matrix(other.distances)
      let scaling = try PlaneScaling(distances)
      // Steps end where one gains 1e-9 of the squares. Near a minimum the gap shrinks by a factor c a step, so that what is left
      // is c/(1 − c) of the last gain; of 1,000 steps that end no later c is below 1 − 1e-3: 1e-6 of the squares, half of it
      // of the stress. The exact plane converges to the rounding of arms of length 1: 1e-8 of it.
      #expect(scaling.stress <= other.stress * (1 + 1e-6) + 1e-6, "\(other.name)")
      #expect(scaling.stress >= other.stress * (1 - 1e-6) - 1e-6)
      // What it says is the stress of its points.
      var (squares, all) = (0.0, 0.0)
      let count = distances.rows
      for i in 0..<count {
        for j in 0..<i {
          let x = scaling.points[i, 0] - scaling.points[j, 0]
          let y = scaling.points[i, 1] - scaling.points[j, 1]
          let difference = (x * x + y * y).squareRoot() - distances[i, j]
          squares += difference * difference
          all += distances[i, j] * distances[i, j]
        }
      }
      #expect(abs((squares / all).squareRoot() - scaling.stress) < 1e-9)
      // Centered, on principal axes, the farthest point of each on its positive side.
      for axis in 0..<2 {
        let values = (0..<count).map { scaling.points[$0, axis] }
        #expect(abs(values.reduce(0, +)) < 1e-12 * Double(count))
        #expect((values.max() ?? 0) >= -(values.min() ?? 0) * (1 - 1e-6))
      }
      let product = (0..<count).reduce(0) { $0 + scaling.points[$1, 0] * scaling.points[$1, 1] }
      #expect(abs(product) < 1e-10)
    }
  }

  @Test func separationIsThatOfAllDivisions() throws {
    for other in expected.cases {
      let found = try #require(GroupSeparation(matrix(other.distances), groups: other.groups))
      #expect(abs(found.between - other.separation.between) < 1e-12)
      #expect(abs(found.within - other.separation.within) < 1e-12)
      #expect(abs(found.explained - other.separation.explained) < 1e-12)
      // 999 of all divisions: four standard deviations √(p(1 − p)/999), and the one that is counted in.
      let p = other.separation.p
      #expect(abs(found.p - p) < 4 * (p * (1 - p) / 999).squareRoot() + 0.001, "\(other.name)")
      #expect(GroupSeparation(matrix(other.distances), groups: other.groups) == found)
    }
  }

  @Test func nothingToCompareIsSaid() {
    let distances = matrix(expected.cases[0].distances)
    let names = (0..<8).map(String.init)
    #expect(GroupSeparation(distances, groups: names) == nil)
    #expect(GroupSeparation(distances, groups: names.map { _ in "one" }) == nil)
    let none = Matrix<Double>(rows: 8, columns: 8, repeating: 0)
    #expect(GroupSeparation(none, groups: expected.cases[0].groups) == nil)
  }

  /// Under the null hypothesis p is uniform: of 200 tables, at most 0.05·200 + 4·√(200·0.05·0.95) = 22 at p ≤ 0.05.
  @Test func groupsThatMakeNoDifference() throws {
    var low = 0
    for seed in 0..<200 {
      var random = SeededGenerator(seed: UInt64(seed))
      let points = (0..<9).map { _ in (0..<3).map { _ in random.normal() } }
      var distances = Matrix<Double>(rows: 9, columns: 9, repeating: 0)
      for i in 0..<9 {
        for j in 0..<9 {
          distances[i, j] =
            zip(points[i], points[j]).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
        }
      }
      let groups = ["a", "a", "a", "b", "b", "b", "c", "c", "c"]
      if try #require(GroupSeparation(distances, groups: groups)).p <= 0.05 { low += 1 }
    }
    #expect((1...22).contains(low), "\(low) of 200")
  }

  @Test func modelsWithoutDistancesAreLeftOut() throws {
    var distances = matrix(expected.cases[0].distances)
    let groups = expected.cases[0].groups
    for other in [0, 3, 5] {
      distances[2, other] = .nan
      distances[other, 2] = .nan
    }
    let points = try ModelPoints(distances, groups: groups)
    #expect(points.leftOut == [2] && points.models == [0, 1, 3, 4, 5, 6, 7])
    #expect(points.dendrogram.merges.count == 6 && points.scaling.points.rows == 7)
    let undefined = try ModelPoints(
      Matrix(rows: 3, columns: 3, repeating: .nan), groups: ["a", "a", "b"])
    #expect(undefined.models == [0] && undefined.dendrogram.merges.isEmpty)
    #expect(undefined.scaling.stress == 0 && undefined.separation == nil)
    let none = try ModelPoints(Matrix(rows: 0, columns: 0, elements: []), groups: [])
    #expect(none.models.isEmpty)
  }
}
