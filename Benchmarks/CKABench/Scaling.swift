import ArgumentParser
import CKA
import CommandSupport
import Device
import Figures
import Foundation
import Support

/// Time and memory against the size of the work.
struct Scaling: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Time and memory against layers, examples, features, batch size and threads.",
    discussion: """
      One size is doubled at a time, the others stay. Every point is a process of its own. "slope" \
      is that of the straight line through the logarithms, by least squares: 1 where twice the size \
      takes twice the time. Memory is what the work adds to a process that has opened its device.
      """)

  @Option(help: ArgumentHelp("The device to measure: cpu, opencl or opencl:INDEX."))
  var device = "cpu"

  @Option(help: "Counted runs of each point.")
  var runs = 5

  @Option(
    help: ArgumentHelp(
      "Where to draw the picture: NAME.png and NAME.svg, which are replaced.", valueName: "name"))
  var output = "scaling"

  @Flag(help: "Small shapes: ends within 20 seconds.")
  var quick = false

  @Option(help: ArgumentHelp("Write the figures to this file as JSON.", valueName: "file"))
  var json: String?

  func validate() throws {
    guard runs > 0 else { throw ValidationError("At least one run.") }
  }

  func run() throws {
    try reportingFailures {
      TemporaryFolder.removeOnInterrupt()
      let folder = try TemporaryFolder()
      defer { folder.remove() }
      let info = try openDevice(device).info
      var document = Document(command: "scaling", machine: try Machine(folder: folder))
      try Console.print(document.header(devices: [info]) + "\n")
      var series: [ScalingSeries] = []
      for size in ScalingSize.allCases where size != .threads || info.backend == "BLAS" {
        let one = try measure(size, on: info, in: folder)
        try Console.print(one.table)
        series.append(one)
        document.rows += one.rows
      }
      try draw(series, on: info)
      if let json { try document.write(to: json) }
    }
  }

  private func measure(
    _ size: ScalingSize, on device: DeviceInfo, in folder: TemporaryFolder
  ) throws -> ScalingSeries {
    var series = ScalingSeries(size: size)
    for value in size.values(isQuick: quick) {
      let workload = size.workload(value, isQuick: quick)
      let part = try TemporaryFolder(in: folder)
      defer { part.remove() }
      let paths = try workload.write(into: part)
      let threads = size == .threads ? value : nil
      let child = try Child(
        ownProgram(workload, paths: paths, device: device, map: "\(part.path)/map.npy"),
        folder: part, threads: threads)
      let first = try child.run()
      var measured: [Child.Run] = []
      for _ in 0..<(quick ? min(runs, 3) : runs) { measured.append(try child.run()) }
      series.add(value, first, measured, workload, device, threads: threads)
    }
    return series
  }

  private func draw(_ series: [ScalingSeries], on device: DeviceInfo) throws {
    do throws(FigureError) {
      let chart = try LineChart(
        panels: [series.map(\.timePanel), series.map(\.memoryPanel)],
        rowTitles: ["seconds", "MiB of memory"],
        title: "cka on \(device.name)", note: "dashed: the expected slope")
      for format in [FigureFormat.png, .svg] {
        try chart.write(to: "\(output).\(format.rawValue)", format: format)
      }
    } catch {
      throw Failure(error.kind == .writing ? .cannotCreate : .software, error.description)
    }
    try Console.print("\(output).png and \(output).svg show it")
  }
}
