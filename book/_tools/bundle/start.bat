@echo off
rem Installs the course from this folder alone, and opens its notebooks. Nothing is fetched.
setlocal
set "COURSE=%COURSE_HOME%"
if "%COURSE%"=="" set "COURSE=%USERPROFILE%\attention-in-order"
set "VERSION="
for %%V in (11 12 13) do (
  if exist "%~dp0wheels\torch-*-cp3%%V-*-win_amd64.whl" py -3.%%V -c "" >nul 2>nul && set "VERSION=3.%%V"
)
if "%VERSION%"=="" (
  echo No Python is installed here that this folder holds packages for. Look at wheels: cp311 is Python 3.11.
  pause
  exit /b 1
)
if not exist "%COURSE%\notebooks" mkdir "%COURSE%\notebooks"
for %%N in ("%~dp0notebooks\*.ipynb") do if not exist "%COURSE%\notebooks\%%~nxN" copy "%%N" "%COURSE%\notebooks" >nul
py -%VERSION% -m venv "%COURSE%\venv" || goto failed
echo Installing from %~dp0wheels: a few minutes, the first time.
"%COURSE%\venv\Scripts\python" -m pip install --quiet --disable-pip-version-check --no-index --find-links "%~dp0wheels" "attention-in-order[chapters,bertviz,interop]" || goto failed
"%COURSE%\venv\Scripts\jupyter" lab "%COURSE%\notebooks" %*
exit /b 0
:failed
echo This did not work: the lines above say why.
pause
exit /b 1
