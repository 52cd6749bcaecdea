import Device
import Figures
import Foundation
import Support

/// What is doubled.
enum ScalingSize: String, CaseIterable {
  case layers, examples, features
  case batchSize = "batch size"
  case threads

  /// The work at one size of this; everything else stays.
  func workload(_ value: Int, isQuick: Bool) -> Workload {
    var layers = isQuick ? 4 : 16
    var examples = isQuick ? 256 : 1024
    var features = isQuick ? 256 : 2048
    var batch = isQuick ? 64 : 256
    switch self {
    case .layers: layers = value
    case .examples: examples = value
    case .features: features = value
    case .batchSize: batch = value
    // More of it, so that starting threads does not count.
    case .threads: layers *= 2
    }
    return Workload(
      name: "scaling", models: 1, layers: layers, examples: examples,
      features: FeatureRange(least: features, most: features), method: .minibatch(size: batch))
  }

  /// From the smallest up, in steps of two.
  func values(isQuick: Bool) -> [Int] {
    let (least, count) =
      switch self {
      case .layers: isQuick ? (2, 3) : (4, 6)
      case .examples: isQuick ? (128, 3) : (256, 6)
      case .features: isQuick ? (64, 3) : (256, 6)
      case .batchSize: isQuick ? (16, 3) : (32, 6)
      case .threads: (1, Int.max)
      }
    let cores = ProcessInfo.processInfo.activeProcessorCount
    let values = sequence(first: least) { $0 * 2 }
    return self == .threads
      ? Array(values.prefix { $0 <= cores }) : Array(values.prefix(count))
  }

  /// The slope of the logarithm of time where arithmetic decides.
  var expectedTime: Double { self == .threads ? -1 : 1 }

  /// The slope of the logarithm of the memory of large work; nil where none is to be expected.
  ///
  /// All Gram matrices of a minibatch are kept, layers × b² numbers; every thread has one in work
  /// beside that, and a run of features that does not depend on how many there are.
  var expectedMemory: Double? {
    switch self {
    case .layers: 1
    case .batchSize: 2
    case .examples, .features: 0
    case .threads: nil
    }
  }
}

/// The points of one doubled size.
struct ScalingSeries {
  let size: ScalingSize
  private var values: [Int] = []
  private(set) var rows: [Document.Row] = []

  init(size: ScalingSize) { self.size = size }

  mutating func add(
    _ value: Int, _ first: Child.Run, _ runs: [Child.Run], _ workload: Workload,
    _ device: DeviceInfo, threads: Int?
  ) {
    values.append(value)
    rows.append(
      Document.Row(
        workload: workload, program: "cka", device: device.title,
        threads: threads, seconds: Spread(runs.map(\.seconds)),
        stages: Child.Stages(medianOf: runs.compactMap(\.stages)),
        peakMemory: first.peakMemory, workMemory: first.peakMemory - first.memoryBefore))
  }

  private var times: [(x: Double, y: Double)] {
    zip(values, rows).map { (Double($0), $1.seconds.median) }
  }

  /// MiB.
  private var memories: [(x: Double, y: Double)] {
    zip(values, rows).map { (Double($0), Double($1.workMemory ?? 0) / 0x1p20) }
  }

  var table: String {
    var table = TextTable([
      (size.rawValue, .right), ("median", .right), ("least … most", .right), ("memory", .right),
    ])
    for (value, row) in zip(values, rows) {
      table.add([
        Format.count(value), Format.seconds(row.seconds.median), range(row.seconds),
        Format.bytes(row.workMemory ?? 0),
      ])
    }
    let time = slope(times), memory = slope(memories)
    return table.text
      + "slope of time \(number(time)), expected \(plain(size.expectedTime)); of memory "
      + "\(number(memory)), expected \(size.expectedMemory.map(plain) ?? "–")\n"
  }

  var timePanel: LineChart.Panel { panel(times, expected: size.expectedTime) }
  var memoryPanel: LineChart.Panel { panel(memories, expected: size.expectedMemory) }

  private func panel(
    _ points: [(x: Double, y: Double)], expected: Double?
  ) -> LineChart.Panel {
    LineChart.Panel(
      xTitle: size.rawValue,
      curves: [LineChart.Curve(points: points.map { LineChart.Point(x: $0.x, y: $0.y) })],
      expectedSlope: expected,
      note: slope(points).map { slope in
        "slope \(number(slope))" + (expected.map { ", expected \(plain($0))" } ?? "")
      })
  }

  private func plain(_ slope: Double) -> String { withMinus(Format.fixed(slope, 0)) }

  private func withMinus(_ text: String) -> String {
    text.replacingOccurrences(of: "-", with: "\u{2212}")
  }

  private func number(_ slope: Double?) -> String {
    slope.map { withMinus(Format.fixed($0, 2)) } ?? "–"
  }
}

/// The slope of the straight line through the logarithms of `points`, by least squares; nil for
/// fewer than two sizes, or where a value is not positive.
func slope(_ points: [(x: Double, y: Double)]) -> Double? {
  guard points.count > 1, points.allSatisfy({ $0.x > 0 && $0.y > 0 }) else { return nil }
  let logs = points.map { (x: log($0.x), y: log($0.y)) }
  let count = Double(logs.count)
  let meanX = logs.reduce(0) { $0 + $1.x } / count
  let meanY = logs.reduce(0) { $0 + $1.y } / count
  let spread = logs.reduce(0) { $0 + ($1.x - meanX) * ($1.x - meanX) }
  guard spread > 0 else { return nil }
  return logs.reduce(0) { $0 + ($1.x - meanX) * ($1.y - meanY) } / spread
}
