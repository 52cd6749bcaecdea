# What each target is made of. Not for editing: `Scripts/check-cmake-sources.py --write` makes this
# file from Package.swift and the folders it names.

cka_swift_library(Activations Sources/Activations
  SOURCES
    ActivationModel.swift
    ActivationSource.swift
    LayerActivations.swift
    LayerShape.swift
    ModelNames.swift
    NameBytes.swift
    OneLine.swift
    ScalarType.swift
    StoredNumbers.swift
    WorkMeter.swift)

cka_system_library(CHDF5 Sources/CHDF5
  PKG_CONFIG hdf5
  TRAIT HDF5)

cka_c_library(CHDF5Process Sources/CHDF5Process
  DEPENDS CHDF5
  SOURCES
    answer.c
    dataset.c
    driver.c
    process.c
    start.c
    walk.c)

cka_system_library(CLibzip Sources/CLibzip
  PKG_CONFIG libzip)

cka_c_library(CSystem Sources/CSystem
  SOURCES
    mapped_files.c
    system_calls.c)

cka_system_library(CZlib Sources/CZlib
  PKG_CONFIG zlib
  TRAIT HDF5)

cka_swift_library(Support Sources/Support
  DEPENDS CSystem
  SOURCES
    ConcurrentMap.swift
    MachineLimits.swift
    Perform.swift
    ProcessMemory.swift
    Saturating.swift
    SmallFile.swift
    SystemCalls.swift)

cka_swift_library(ActivationFiles Sources/ActivationFiles
  DEPENDS Activations CHDF5Process CLibzip CSystem CZlib Support
  SOURCES
    ActivationFileError.swift
    ArrayLayout.swift
    ExampleList.swift
    FileKind.swift
    Folder.swift
    FoundArray.swift
    HDF5/HDF5Chunks.swift
    HDF5/HDF5Dataset.swift
    HDF5/HDF5Filters.swift
    HDF5/HDF5Listing.swift
    HDF5/HDF5Process.swift
    HDF5/HDF5Program.swift
    HDF5/HDF5Reader.swift
    HDF5/HDF5Type.swift
    HDF5/LZF.swift
    LayerList.swift
    MappedFile.swift
    ModelContents.swift
    ModelFiles.swift
    ModelReader.swift
    NPYHeader.swift
    NPYNumbers.swift
    NPYReader.swift
    NPYType.swift
    NPYWriter.swift
    NPZReader.swift
    NaturalOrder.swift
    SafetensorsReader.swift
    Shards.swift
    StrictJSON.swift
    TemporaryFile.swift
    UnpackedArray.swift
    ZipArchive.swift
    ZipInput.swift)

cka_swift_library(Device Sources/Device
  DEPENDS Activations
  SOURCES
    Device.swift
    DeviceError.swift
    GramKernel.swift
    GramTiles.swift
    Matrix.swift
    PackedGrams.swift
    Precision.swift)

cka_system_library(COpenBLAS Sources/COpenBLAS
  PKG_CONFIG openblas)

cka_c_library(CPUKernels Sources/CPUKernels
  SOURCES
    cpu_kernels.c
    half.c
    wide_features.c)

cka_swift_library(FeatureSlabs Sources/FeatureSlabs
  DEPENDS Activations CPUKernels Support
  SOURCES
    FeatureSlabs.swift
    FeatureStage.swift
    LayerCenters.swift
    StoredTypes.swift)

cka_swift_library(BLASDevice Sources/BLASDevice
  DEPENDS COpenBLAS CPUKernels Device FeatureSlabs Support
  SOURCES
    BLASDevice.swift
    BLASGramStack.swift
    BLASGramTiles.swift
    Centering.swift
    FeatureProducts.swift
    Gram.swift
    GramMatrix.swift
    HSIC.swift
    Memory.swift
    Multiplier.swift
    PackedNumbers.swift
    Pipeline.swift
    RBF.swift
    RBFTiles.swift
    SharedGram.swift
    TileGram.swift
    Tiles.swift)

cka_system_library(CCairo Sources/CCairo
  PKG_CONFIG cairo)

cka_swift_library(LinearAlgebra Sources/LinearAlgebra
  DEPENDS COpenBLAS Device
  SOURCES
    LinearAlgebraError.swift
    Product.swift
    SymmetricEigen.swift)

cka_swift_library(Statistics Sources/Statistics
  SOURCES
    Distributions.swift
    HolmSidak.swift
    Samples.swift
    SpecialFunctions.swift)

cka_swift_library(CKA Sources/CKA
  DEPENDS Activations Device FeatureSlabs LinearAlgebra Statistics Support
  SOURCES
    Blocks/BlockBaseline.swift
    Blocks/BlockDetector.swift
    Blocks/BlockScan.swift
    Blocks/BlockSearch.swift
    Blocks/BlockSimilarity.swift
    Blocks/BlockStructure.swift
    Blocks/LayerMatches.swift
    Blocks/LayerSteps.swift
    Blocks/SimilarityDecay.swift
    Comparison.swift
    ComparisonRun.swift
    Components/ActivationTraits.swift
    Components/Bimodality.swift
    Components/CenteredGram.swift
    Components/ComponentAnalysis.swift
    Components/ComponentGaps.swift
    Components/ComponentMemory.swift
    Components/ComponentRun.swift
    Components/ComponentTiles.swift
    Components/ComponentWork.swift
    Components/Eigenpairs.swift
    Components/RemovalCurve.swift
    Convergence/Convergence.swift
    Convergence/ConvergencePoint.swift
    Convergence/ConvergenceRun.swift
    Errors/AccuracyDifference.swift
    Errors/ClassHierarchy.swift
    Errors/DifferingExamples.swift
    Errors/ErrorStudy.swift
    Errors/ExampleDispersion.swift
    Errors/LogisticModels.swift
    Errors/OutputSimilarity.swift
    Errors/Predictions.swift
    Errors/Relabeling.swift
    Estimator.swift
    Exact/Calibration.swift
    Exact/ComparisonPlan.swift
    Exact/DeviceRates.swift
    Exact/ExactPartMaker.swift
    Exact/ExactPlan.swift
    Exact/ExactPlanner.swift
    Exact/ExactRun.swift
    Exact/ExactSums.swift
    Exact/ExactWork.swift
    Exact/FeatureSpace.swift
    Exact/MemoryModel.swift
    ExamplePairing.swift
    Float64/Float64Components.swift
    Float64/Float64Gram.swift
    Float64/Float64Median.swift
    Float64/Float64Products.swift
    Float64/Float64Sums.swift
    Float64/Float64Tiles.swift
    Float64/NarrowedGrams.swift
    Float64/Recomputation.swift
    HSICSums.swift
    MinibatchPlan.swift
    MinibatchQueue.swift
    NonFiniteValues.swift
    Probe/ClassLabels.swift
    Probe/LogisticRegression.swift
    Probe/Probe.swift
    Probe/ProbeDesign.swift
    Probe/StandardizedFeatures.swift
    SharedRun.swift
    ShuffledPrefix.swift
    Similarity.swift
    Summaries/DepthSimilarity.swift
    Summaries/MapStatistics.swift
    Summaries/ModelGroup.swift
    Trust/CenteredGrams.swift
    Trust/DropCurve.swift
    Trust/Jackknife.swift
    Trust/JackknifeMap.swift
    Trust/LeftOutExample.swift
    Trust/PairTrust.swift
    Trust/PermutationTest.swift
    Trust/Trust.swift
    Trust/TrustMemory.swift
    Trust/TwoGroups.swift
    Verification/NumPyRandom.swift
    Verification/Reference.swift
    Verification/Verification.swift)

cka_swift_library(CommandSupport Sources/CommandSupport
  DEPENDS Activations ArgumentParser CSystem Logging Support
  SOURCES
    Console.swift
    Failure.swift
    Formatting.swift
    OwnFolder.swift
    ProcessSetup.swift
    Progress.swift
    Reading.swift
    Suggestion.swift
    TextTable.swift
    Writing.swift)

cka_c_library(CKAKernels Kernels
  SOURCES
    kernels.c)

cka_system_library(COpenCL Sources/COpenCL
  PKG_CONFIG OpenCL)

cka_swift_library(OpenCLDevice Sources/OpenCLDevice
  DEPENDS CKAKernels COpenCL Device FeatureSlabs Support
  SOURCES
    CacheFolder.swift
    Calls.swift
    Centering.swift
    ChunkScratch.swift
    DriverSearch.swift
    FeatureProducts.swift
    Gather.swift
    Gram.swift
    GramPlan.swift
    GramRun.swift
    GramTiles.swift
    GroupSender.swift
    HSIC.swift
    Handles.swift
    KernelVariant.swift
    MatrixRun.swift
    MatrixShape.swift
    MedianSearch.swift
    MemoryLedger.swift
    OpenCLDevice.swift
    OpenCLDeviceDescription.swift
    OpenCLGramStack.swift
    OpenCLLimits.swift
    PackedStack.swift
    Peak.swift
    ProgramCache.swift
    RBF.swift
    Records.swift
    Runtime.swift
    Summaries.swift
    TensorSelfTest.swift
    TensorUse.swift
    TileEntries.swift
    TilePasses.swift
    TileRun.swift
    Tuner.swift
    TunerTrial.swift
    Tuning.swift
    TuningStore.swift
    Workspace.swift)

cka_swift_library(DeviceRegistry Sources/DeviceRegistry
  DEPENDS BLASDevice Device OpenCLDevice
  SOURCES
    DeviceRegistry.swift
    DeviceSelection.swift
    SelfTest.swift)

cka_swift_library(Figures Sources/Figures
  DEPENDS CCairo
  SOURCES
    AxisLabels.swift
    BundledFonts.swift
    Canvas.swift
    ChartAxis.swift
    ColorMap.swift
    CountScale.swift
    DensityChart.swift
    DensityChartDrawing.swift
    DisplayText.swift
    Drawing.swift
    FigureError.swift
    FigureFormat.swift
    FigureGrid.swift
    FigureStyle.swift
    Geometry.swift
    Heatmap.swift
    HeatmapDrawing.swift
    HeatmapGrid.swift
    HeatmapLayout.swift
    HeatmapSides.swift
    IntervalChart.swift
    IntervalChartLayout.swift
    LabelPlaces.swift
    Legend.swift
    LineChart.swift
    LineChartColumns.swift
    LineChartDrawing.swift
    LineChartLayout.swift
    Magma.swift
    PNGResolution.swift
    PageStyle.swift
    PixelImage.swift
    SVGCorrections.swift
    ScoreScale.swift
    ScreenColors.swift
    ShortNames.swift
    Surface.swift
    TerminalFrame.swift
    TerminalMap.swift
    TerminalPainter.swift
    TerminalText.swift
    TextMeter.swift
    Ticks.swift
    UndefinedRegions.swift)

cka_command(CKABench Benchmarks/CKABench
  PRODUCT cka-bench
  DEPENDS ActivationFiles ArgumentParser CKA COpenBLAS CSystem CommandSupport DeviceRegistry Figures Logging OpenCLDevice Support
  SOURCES
    Bench.swift
    Child.swift
    DeviceMeasurement.swift
    Devices.swift
    Diff.swift
    Document.swift
    Float64Reference.swift
    Limits.swift
    Machine.swift
    Measure.swift
    MeasureLimit.swift
    Models.swift
    Peers.swift
    Race.swift
    Run.swift
    RunTable.swift
    RunningProgram.swift
    Scaling.swift
    ScalingSeries.swift
    Synthesize.swift
    SyntheticModels.swift
    TemporaryFolder.swift
    TuneCommand.swift
    Workload.swift)

cka_system_library(CMPI Sources/CMPI
  PKG_CONFIG ompi-c
  TRAIT MPI)

cka_c_library(CReportPage Sources/CReportPage
  SOURCES
    report_page.c)

cka_swift_library(Report Sources/Report
  DEPENDS CReportPage Figures
  SOURCES
    Document.swift
    Map.swift
    Numbers.swift
    Page.swift
    Report.swift)

cka_system_library(CXXHash Sources/CXXHash
  PKG_CONFIG libxxhash)

cka_swift_library(SweepStore Sources/SweepStore
  DEPENDS Activations CKA CPUKernels CXXHash Device Support
  SOURCES
    BinaryHeader.swift
    CheckedDocument.swift
    Digest.swift
    FileStamp.swift
    GramFile.swift
    GramMaker.swift
    ModelEntry.swift
    NewFile.swift
    NewStore.swift
    ProductMaker.swift
    ProductsFile.swift
    RowDigest.swift
    Store.swift
    StoreChecks.swift
    StoreError.swift
    StoreLock.swift
    StoreMerge.swift
    Sweep.swift
    SweepModels.swift
    SweepResults.swift
    SweepSettings.swift
    SweepTeam.swift)

cka_command(CKACommand Sources/CKACommand
  PRODUCT cka
  DEPENDS ActivationFiles ArgumentParser CKA CMPI CSystem CommandSupport DeviceRegistry Figures Logging Report Statistics Support SweepStore
  SOURCES
    AcrossModels.swift
    BlockSpans.swift
    BlocksCommand.swift
    BlocksDocument.swift
    BlocksFiles.swift
    BlocksInput.swift
    BlocksReport.swift
    CSVRows.swift
    Command.swift
    CompareCommand.swift
    CompareMessages.swift
    CompareOptions.swift
    ComparePlan.swift
    ComponentFigures.swift
    ComponentsChecks.swift
    ComponentsCommand.swift
    ComponentsDocument.swift
    ComponentsFiles.swift
    ComponentsReport.swift
    ConvergeCommand.swift
    ConvergeDocument.swift
    ConvergeFiles.swift
    ConvergeReport.swift
    DevicesCommand.swift
    DocumentChecks.swift
    Documents.swift
    ErrorsChecks.swift
    ErrorsCommand.swift
    ErrorsDocument.swift
    ErrorsFiles.swift
    ErrorsInput.swift
    ErrorsReport.swift
    ErrorsTable.swift
    FigureOptions.swift
    GroupMaps.swift
    InspectCommand.swift
    Labels.swift
    LayerOptions.swift
    MemorySize.swift
    MergeCommand.swift
    ModelTable.swift
    Models.swift
    OutputBytes.swift
    PlotCommand.swift
    ProbeCommand.swift
    ProbeDocument.swift
    ProbeFiles.swift
    ProbeReport.swift
    Ranks.swift
    ReportOption.swift
    ResultBlocks.swift
    ResultDocument.swift
    ResultFiles.swift
    ResultFolder.swift
    ResultReport.swift
    RunRecord.swift
    SafeFileName.swift
    SweepCommand.swift
    SweepDocument.swift
    SweepFolder.swift
    SweepOutputs.swift
    SweepOverview.swift
    SweepReport.swift
    SweepResult.swift
    SweepTable.swift
    TrustChecks.swift
    TrustCommand.swift
    TrustDocument.swift
    TrustFiles.swift
    TrustReport.swift
    VerifyCommand.swift
    Version.swift
    WrittenNumbers.swift
    WrittenResults.swift)
