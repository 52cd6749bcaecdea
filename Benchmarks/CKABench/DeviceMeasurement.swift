import CKA
import CommandSupport
import Device

/// Devices measured in turn on one workload.
struct DeviceMeasurement {
  private let workload: Workload
  private let devices: [DeviceInfo]
  private let limits: Limits
  private let work: Work
  private let reference: Float64Reference?
  private let children: [Child]
  private let maps: [String]

  /// Starts a process for each device.
  init(
    workload: Workload, paths: [String], devices: [DeviceInfo], limits: Limits,
    folder: TemporaryFolder
  ) throws {
    self.workload = workload
    self.devices = devices
    self.limits = limits
    let comparison = try workload.comparison(of: try openModels(paths))
    work = Work(comparison)
    reference = try Float64Reference(comparison)
    maps = devices.indices.map { "\(folder.path)/\(workload.name)-map\($0).npy" }
    children = try zip(devices, maps).map { device, map in
      try Child(
        ownProgram(workload, paths: paths, device: device, map: map), folder: folder)
    }
  }

  /// Runs them all, once uncounted and `runs` times in turn.
  func rows(runs: Int) throws -> [Document.Row] {
    let first = try children.map { try $0.run() }
    var measured = children.map { _ in [Child.Run]() }
    for _ in 0..<runs {
      for (index, child) in children.enumerated() { measured[index].append(try child.run()) }
    }
    return try devices.indices.map { index in
      try row(devices[index], first: first[index], runs: measured[index], map: maps[index])
    }
  }

  private func row(
    _ device: DeviceInfo, first: Child.Run, runs: [Child.Run], map: String
  ) throws -> Document.Row {
    let check = try reference?.check(mapAt: map)
    return Document.Row(
      workload: workload, program: "cka", device: device.title,
      seconds: Spread(runs.map(\.seconds)),
      stages: Child.Stages(medianOf: runs.compactMap(\.stages)),
      gramWork: work.gram / 1e9, pairsWork: work.pairs / 1e9,
      bound: Bound(of: work, on: device, limits), error: check?.error,
      undefined: check?.undefined, peakMemory: first.peakMemory,
      workMemory: first.peakMemory - first.memoryBefore)
  }
}

/// This command, as a program to be measured.
func ownProgram(
  _ workload: Workload, paths: [String], device: DeviceInfo, map: String
) -> [String] {
  let how = ["--device", device.id, "--precision", device.precision.rawValue, "--output", map]
  return [ownPath, "measure"] + how + workload.arguments(models: paths)
}

extension Child.Stages {
  /// Medians, stage by stage; nil of none.
  init?(medianOf runs: [Child.Stages]) {
    guard !runs.isEmpty else { return nil }
    self.init(
      read: Spread(runs.map(\.read)).median, transfer: Spread(runs.map(\.transfer)).median,
      gram: Spread(runs.map(\.gram)).median, pairs: Spread(runs.map(\.pairs)).median)
  }
}
