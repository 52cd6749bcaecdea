import Activations
import BLASDevice
import Device
import TestSupport
import Testing

@testable import CKA

/// The cost model and the choice of algorithms: numbers in, numbers out.
@Suite struct FullBatchPlanTests {
  private static func layers(_ widths: [Int]) -> [FullBatchWork.Layer] {
    widths.map { FullBatchWork.Layer(featureCount: $0, bytesPerExample: 4 * $0) }
  }

  private static func work(
    _ n: Int, _ left: [Int], _ right: [Int]? = nil, kernel: GramKernel = .linear
  ) -> FullBatchWork {
    FullBatchWork(
      exampleCount: n, left: layers(left), right: right.map(layers), kernel: kernel,
      centering: .unbiased)
  }

  /// A flop of any kind takes a second, reading nothing.
  private static let flops = DeviceRates(gram: 1, pairs: 1, features: 1, bytes: 1e200)

  private static func plan(
    _ work: FullBatchWork, limit: Int = 1 << 40, rates: DeviceRates = flops
  ) throws -> FullBatchPlan {
    try FullBatchPlanner(MemoryModel(work: work, base: 0), limit: limit).plan(rates: rates)
  }

  @Test func countsByHand() throws {
    // 10³ × 10 features, three layers: n·(Σp)² = 10³·30² against n²·30 + 6·n² at once.
    let narrow = try Self.plan(Self.work(1000, [10, 10, 10]))
    #expect(!narrow.isAtOnce && narrow.tileCount == 0 && narrow.featureGroupCount == 1)
    #expect(narrow.cost.flops == 9e5)
    // Read twice for means and norms, once for the products.
    #expect(narrow.cost.bytesRead == 3 * 1000 * 30 * 4)
    #expect(narrow.pairCounts == [.features: 6])

    // n²·2000 + 3·n² against n·2000².
    let wide = try Self.plan(Self.work(100, [1000, 1000]))
    #expect(wide.isAtOnce && wide.cost.flops == 2.003e7)
    #expect(wide.cost.bytesRead == 100 * 2000 * 4)
    #expect(wide.pairCounts == [.atOnce: 3])

    // Two models: 2·n·p·q, and n·p² and n·q² for their own squares.
    let two = try Self.plan(Self.work(1000, [10, 20], [5]))
    #expect(two.cost.flops == 3e5 + 5.25e5)
    #expect(two.pairCounts == [.features: 2])
    // Means and norms; both for the cross products; each model again for its own.
    #expect(two.cost.bytesRead == 4 * 1000 * 35 * 4)
  }

  @Test func tilesCountWhatTheyRead() {
    // Sides 64, 64, 22: each example is in three tiles.
    let plan = FullBatchPlan(
      Self.work(150, [8, 16], kernel: .rbf(.sigma(1))), tiledLeft: [0, 1], tiledRight: [0, 1],
      division: TileDivision(side: 64, memory: 0), sums: 0)
    #expect(plan.grid.runs == [0..<64, 64..<128, 128..<150])
    #expect(plan.tileCount == 6 && plan.partCount == 6 && plan.stepCount == 12)
    // One pass for the row sums, one for the tiles.
    #expect(plan.cost.gramFlops == 2 * 150 * 150 * 24)
    #expect(plan.cost.pairFlops == 3 * 150 * 150)
    #expect(plan.cost.bytesRead == Double(150 * 24 * 4 * (2 + 2 * 3)))
    var seen: [Int] = []
    for index in 0..<plan.tileCount {
      let (rows, columns) = plan.grid[index]
      #expect(columns.lowerBound <= rows.lowerBound)
      seen.append(rows.lowerBound * 1000 + columns.lowerBound)
    }
    #expect(seen == [0, 64_000, 64_064, 128_000, 128_064, 128_128])
  }

  @Test func groupsFitTheMemoryOfTheirSums() {
    let work = Self.work(10_000, [1000, 1000, 1000, 100])
    let plan = FullBatchPlan(
      work, tiledLeft: [], tiledRight: [], division: TileDivision(side: 0, memory: 0),
      sums: 10_000_000)
    // 1000 features have the room of 1040, 100 that of 144: a pair of wide layers takes 4.33 MB. Rows of
    // pairs take 4.3, 8.7, 13.0 and 1.9 MB: the third is divided, and the fourth joins its last pair.
    let pairs = plan.groups.map(\.pairs)
    #expect(
      pairs == [
        [LayerPair(0, 0)], [LayerPair(1, 0), LayerPair(1, 1)],
        [LayerPair(2, 0), LayerPair(2, 1)],
        [LayerPair(2, 2), LayerPair(3, 0), LayerPair(3, 1), LayerPair(3, 2), LayerPair(3, 3)],
      ])
    #expect(plan.groups.allSatisfy { $0.readings == 1 })
    // Means and norms of all, then 1000, 2000, 3000 and 3100 features.
    let features = [2 * 3100, 1000, 2000, 3000, 3100].reduce(0, +)
    #expect(plan.cost.bytesRead == Double(4 * 10_000 * features))
    let single = FullBatchPlan(
      work, tiledLeft: [], tiledRight: [], division: TileDivision(side: 0, memory: 0),
      sums: 2_000_000)
    #expect(single.groups.first?.readings == 3)
  }

  /// Flops where `left` and `right` have tiles, from the definitions.
  private static func flops(
    _ work: FullBatchWork, _ left: Set<Int>, _ right: Set<Int>
  ) -> Double {
    let n = Double(work.exampleCount)
    func p(_ layers: [FullBatchWork.Layer], _ index: Int) -> Double {
      Double(layers[index].featureCount)
    }
    /// A layer's own matrix, if it has tiles, and its own square.
    func own(_ layers: [FullBatchWork.Layer], _ index: Int, _ tiled: Set<Int>) -> Double {
      let width = p(layers, index)
      if tiled.contains(index) { return n * n * width + n * n }
      return n * width * width
    }
    var sum = 0.0
    for i in work.left.indices { sum += own(work.left, i, left) }
    for j in (work.right ?? []).indices { sum += own(work.right ?? [], j, right) }
    let columns = work.right ?? work.left
    for i in work.left.indices {
      for j in columns.indices where work.right != nil || j < i {
        if left.contains(i), right.contains(j) {
          sum += n * n
        } else {
          sum += 2 * n * p(work.left, i) * p(columns, j)
        }
      }
    }
    return sum
  }

  private static func subsets(_ count: Int) -> [Set<Int>] {
    (0..<(1 << count)).map { bits in Set((0..<count).filter { bits >> $0 & 1 == 1 }) }
  }

  /// No other choice of layers takes fewer flops: all 2^layers of them are tried.
  @Test func noOtherChoiceIsCheaper() throws {
    var generator = SplitMix64(seed: 5)
    var mixed = 0
    for round in 0..<60 {
      func widths(_ count: Int) -> [Int] {
        (0..<count).map { _ in
          1 << Int(generator.next(below: 9)) + Int(generator.next(below: 5))
        }
      }
      let n = 200 << Int(generator.next(below: 4))
      let isTwo = round % 2 == 1
      let work = isTwo ? Self.work(n, widths(4), widths(3)) : Self.work(n, widths(7))
      let plan = try Self.plan(work)
      let least =
        isTwo
        ? Self.subsets(4).flatMap { l in Self.subsets(3).map { Self.flops(work, l, $0) } }.min()
        : Self.subsets(7).map { Self.flops(work, $0, $0) }.min()
      #expect(plan.cost.flops == least, "\(work)")
      let counts = plan.pairCounts
      if counts[.features] != nil, counts[.tiles] != nil { mixed += 1 }
    }
    // The test would say little if all pairs always took the same algorithm.
    #expect(mixed > 5)
  }

  @Test func theStatedLeastMemoryIsTheLeast() throws {
    for work in [
      Self.work(20_000, [64, 4096, 30]), Self.work(3000, [900, 800], [50]),
      Self.work(5000, [100, 100], kernel: .rbf(.medianMultiple(1))), Self.work(40, [30]),
    ] {
      let memory = MemoryModel(work: work, base: 50 << 20)
      let least = FullBatchPlanner(memory, limit: 0).least
      #expect(throws: FullBatchPlanner.TooLittle.self) {
        try FullBatchPlanner(memory, limit: least - 1).plan(rates: Self.flops)
      }
      for limit in [least, least + (1 << 20), 2 * least, 8 * least] {
        let plan = try FullBatchPlanner(memory, limit: limit).plan(rates: Self.flops)
        #expect(plan.cost.peakMemory <= limit)
        let layers = plan.tiledLeft.count + (work.right == nil ? 0 : plan.tiledRight.count)
        let stacks = 4 * layers * plan.division.side * plan.division.side
        #expect(plan.isAtOnce || stacks + plan.division.memory + memory.base <= limit)
      }
    }
  }

  @Test func moreMemoryMakesLongerTiles() throws {
    let work = Self.work(100_000, [512, 512], kernel: .rbf(.sigma(1)))
    let memory = MemoryModel(work: work, base: 0)
    let sides = try [150, 300, 600, 10_000].map {
      try FullBatchPlanner(memory, limit: $0 << 20).plan(rates: Self.flops).division.side
    }
    #expect(sides == sides.sorted() && sides[0] >= 128 && sides[3] == 4000)
  }

  /// Rates that are measured differ from run to run, and so did the bits of the results.
  @Test func thePlanDependsOnNoClockAndNoResidentSize() throws {
    let layers = [600, 300, 8].map { Activations64.normal(n: 400, p: $0, seed: UInt64($0)) }
    let model = ActivationModel(layers)
    let comparison = try Comparison(model, estimator: .unbiased)
    func plan(isMeasured: Bool) throws -> FullBatchPlan? {
      var plan = try comparison.fullBatchPlan(
        on: DeviceTeam([BLASDevice()], memory: 16 << 30), isMeasured: isMeasured)
      plan?.cost.seconds = nil
      return plan
    }
    let before = try plan(isMeasured: false)
    // 64 MiB more in the process.
    let ballast = [UInt8](repeating: 1, count: 64 << 20)
    for isMeasured in [true, false, true] { #expect(try plan(isMeasured: isMeasured) == before) }
    #expect(ballast.last == 1)
  }

  @Test func whatDoesNotFitOneMatrixIsMadeInTiles() throws {
    for kernel in [GramKernel.rbf(.medianMultiple(1)), .rbf(.sigma(1)), .linear] {
      let few = try Self.plan(Self.work(65_535, [100_000], kernel: kernel))
      #expect(few.isAtOnce)
      let many = try Self.plan(Self.work(65_536, [100_000], kernel: kernel))
      #expect(!many.isAtOnce && many.tileCount > 0)
    }
  }

  @Test func absurdNumbersOfExamplesAreTooMuchMemory() {
    for n in [1_000_000_000, 5_000_000_000, Int(Int32.max) * 1000] {
      for kernel in [GramKernel.rbf(.medianMultiple(1)), .linear] {
        let work = Self.work(n, Array(repeating: 1, count: 300), [1], kernel: kernel)
        let memory = MemoryModel(work: work, base: 1 << 20, sharing: 8, cores: 64)
        #expect(memory.atOnce > 1 << 50)
        #expect(throws: FullBatchPlanner.TooLittle.self) {
          try FullBatchPlanner(memory, limit: 1 << 30).plan(rates: Self.flops)
        }
        #expect(GramCentering.biased.packedCount(exampleCount: n) > 1 << 58)
      }
    }
  }
}
